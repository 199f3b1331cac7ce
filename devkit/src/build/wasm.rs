//! Reads and writes the outermost layer of WebAssembly's binary format, preamble and sections: enough to replace the core
//! module in a component.
//!
//! <https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md>

use anyhow::{Context, Result, ensure};

/// Magic number, version 13, layer 1.
const COMPONENT: [u8; 8] = *b"\0asm\x0d\0\x01\0";
/// Magic number, version 1, layer 0.
const CORE_MODULE: [u8; 8] = *b"\0asm\x01\0\0\0";

/// A custom section: names and notes of tools, nothing that runs.
const CUSTOM: u8 = 0;
/// A core module.
const MODULE: u8 = 1;

struct Section<'a> {
    id: u8,
    content: &'a [u8],
}

/// Returns the program's core module: the largest, because a component's other modules are only glue.
pub fn core_module(component: &[u8]) -> Result<&[u8]> {
    let sections = sections(component)?;
    Ok(sections[largest_module(&sections)?].content)
}

/// Returns the component with its core module replaced and its custom sections removed.
pub fn with_core_module(component: &[u8], module: &[u8]) -> Result<Vec<u8>> {
    ensure!(module.starts_with(&CORE_MODULE), "not a core module");
    let sections = sections(component)?;
    let replaced = largest_module(&sections)?;
    let mut written = COMPONENT.to_vec();
    for (place, section) in sections.iter().enumerate() {
        let content = match place == replaced {
            true => module,
            false => section.content,
        };
        if section.id != CUSTOM {
            write_section(section.id, content, &mut written)?;
        }
    }
    Ok(written)
}

fn largest_module(sections: &[Section<'_>]) -> Result<usize> {
    sections
        .iter()
        .enumerate()
        .filter(|(_, section)| section.id == MODULE)
        .max_by_key(|(_, section)| section.content.len())
        .map(|(place, _)| place)
        .context("the component has no core module")
}

fn sections(component: &[u8]) -> Result<Vec<Section<'_>>> {
    let mut rest = component
        .strip_prefix(&COMPONENT)
        .context("not a component")?;
    let mut sections = Vec::new();
    while let Some((&id, after)) = rest.split_first() {
        let mut start = 0;
        let length = leb128fmt::decode_uint_slice::<u32, 32>(after, &mut start);
        let length = length.ok().and_then(|length| usize::try_from(length).ok());
        let (content, after) = length
            .and_then(|length| after[start..].split_at_checked(length))
            .context("the component is cut off")?;
        sections.push(Section { id, content });
        rest = after;
    }
    Ok(sections)
}

fn write_section(id: u8, content: &[u8], to: &mut Vec<u8>) -> Result<()> {
    let length = u32::try_from(content.len()).context("the module is too long")?;
    let (bytes, count) = leb128fmt::encode_u32(length).context("the module is too long")?;
    to.push(id);
    to.extend_from_slice(&bytes[..count]);
    to.extend_from_slice(content);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module(size: usize) -> Vec<u8> {
        let mut module = CORE_MODULE.to_vec();
        module.resize(size, 7);
        module
    }

    fn component(sections: &[(u8, &[u8])]) -> Vec<u8> {
        let mut component = COMPONENT.to_vec();
        for (id, content) in sections {
            write_section(*id, content, &mut component).expect("it is short");
        }
        component
    }

    #[test]
    fn lengths_are_written_as_they_are_read() {
        for (length, bytes) in [
            (0, &[0][..]),
            (127, &[0x7f]),
            (128, &[0x80, 1]),
            (624_485, &[0xe5, 0x8e, 0x26]),
        ] {
            let content = vec![7; length];
            let written = component(&[(7, &content)]);
            assert_eq!(written, [&COMPONENT[..], &[7], bytes, &content].concat());
            let read = sections(&written).expect("sections");
            assert_eq!(
                read.iter().map(|it| it.content).collect::<Vec<_>>(),
                [content]
            );
        }
        let of = |length: &[u8]| [&COMPONENT[..], &[7], length, &[9]].concat();
        // Linkers write padded lengths like this one to fill them in later.
        let read = of(&[0x81, 0x80, 0x80, 0x80, 0]);
        assert_eq!(sections(&read).expect("sections")[0].content, [9]);
        assert!(sections(&of(&[0x80; 6])).is_err());
        assert!(sections(&of(&[0x80])[..10]).is_err());
    }

    #[test]
    fn the_largest_module_is_exchanged_and_everything_else_stays() {
        let (glue, program, new) = (module(20), module(300), module(90));
        let before = component(&[
            (7, b"type"),
            (1, &glue),
            (1, &program),
            (0, b"\x04note"),
            (8, b"canon"),
        ]);
        assert_eq!(core_module(&before).expect("a module"), program);
        let after = with_core_module(&before, &new).expect("a component");
        assert_eq!(
            after,
            component(&[(7, b"type"), (1, &glue), (1, &new), (8, b"canon")])
        );
    }

    #[test]
    fn what_is_no_component_is_refused() {
        let good = component(&[(1, &module(300))]);
        assert!(with_core_module(&good, b"text").is_err());
        assert!(core_module(&module(300)).is_err());
        assert!(core_module(&good[..good.len() - 1]).is_err());
        assert!(core_module(&component(&[(7, b"type")])).is_err());
    }
}
