//! The private key: from any shape in which operators paste it, to a key pair, or to a message that repairs it.
//!
//! The container (quotes, escaped line breaks, base64 of the whole file) is undone by [`crate::pem_text`]; this file
//! looks at the kind of key in it. 8x8 tells its users to make a PKCS#1 file with `ssh-keygen -m PEM`; OpenSSL makes
//! PKCS#8. Both work, from 2048 to 4096 bits. No error shows any part of the key.
#![forbid(unsafe_code)]

use jwt_simple::prelude::RS256KeyPair;
use rs256::SigningKey;
use zeroize::Zeroizing;

use crate::pem_text::{self, PemTextError};

/// The value of the variable, unread. Wiped when it is dropped.
pub struct PrivateKeyText(Zeroizing<String>);

impl std::fmt::Debug for PrivateKeyText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[secret key elided]")
    }
}

/// Why a text is no usable key. Its `Display` continues a sentence that starts with the variable's name, and ends with
/// the command that repairs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyError {
    /// More than [`pem_text::MAX_BYTES`].
    TooLong,
    /// No `BEGIN` line, neither plain nor in base64.
    NoPem,
    /// A `BEGIN` line without its `END` line.
    CutOff,
    /// Something between the lines that is not base64.
    Damaged,
    /// OpenSSH's own format.
    OpenSsh,
    /// Encrypted with a passphrase, in either of the two ways.
    Encrypted,
    /// The public half.
    Public,
    /// A certificate or a request for one.
    Certificate,
    /// A key for another algorithm than RSA.
    NotRsa,
    /// More than one private key.
    Several,
    /// A modulus under 2048 bits.
    TooShort,
    /// A modulus over 4096 bits.
    TooLarge,
    /// Values that do not belong together, or a public exponent other than 65537.
    Inconsistent,
}

const GENERATE: &str = "make a new pair with `openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:4096 -out key.pem` and give 8x8 its public half, `openssl pkey -in key.pem -pubout`";

impl std::fmt::Display for KeyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sentence = match self {
            Self::TooLong => {
                "is longer than any private key; give the PEM file alone, as `openssl pkey -in key.pem` prints it."
            }
            Self::NoPem => {
                "is not PEM: it has no BEGIN line; copy the whole file with its BEGIN and END lines, as `openssl pkey -in key.pem` prints it."
            }
            Self::CutOff => {
                "is cut off: it has a BEGIN line and no END line that belongs to it; copy the whole file, as `openssl pkey -in key.pem` prints it. A tool that keeps only the first line can be given `base64 -w0 key.pem`."
            }
            Self::Damaged => {
                "is damaged: what stands between its BEGIN and END lines is not base64; copy the file again, as `openssl pkey -in key.pem` prints it."
            }
            Self::OpenSsh => {
                "is in OpenSSH's own format; convert the file with `ssh-keygen -p -N \"\" -m PEM -f key.pem`, then check it with `openssl pkey -in key.pem -check -noout`."
            }
            Self::Encrypted => {
                "is encrypted with a passphrase, which nobody can type here; decrypt it with `openssl pkey -in key.pem -out plain.pem` and give plain.pem."
            }
            Self::Public => {
                "is a public key; give the private key that belongs to it, the file from which `openssl pkey -in key.pem -pubout` prints this one."
            }
            Self::Certificate => {
                "is a certificate; give the private key that belongs to it, the file that `openssl pkey -in key.pem -check -noout` accepts."
            }
            Self::NotRsa => {
                return write!(f, "is not an RSA key, and 8x8 takes no other; {GENERATE}.");
            }
            Self::Several => {
                "holds more than one private key; give the one that belongs to jaas_key_id, as `openssl pkey -in key.pem` prints it."
            }
            Self::TooShort => {
                return write!(
                    f,
                    "has fewer than 2048 bits, which is not secure; {GENERATE}."
                );
            }
            Self::TooLarge => {
                return write!(
                    f,
                    "has more than 4096 bits, which is not supported; {GENERATE}."
                );
            }
            Self::Inconsistent => {
                return write!(
                    f,
                    "is not a valid RSA key with public exponent 65537; check it with `openssl rsa -in key.pem -check -noout`, and where that fails {GENERATE}."
                );
            }
        };
        f.write_str(sentence)
    }
}

impl PrivateKeyText {
    /// Keeps the text of a variable.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// Reads the key.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub fn parse(&self) -> Result<RS256KeyPair, KeyError> {
        let der = self.der()?;
        RS256KeyPair::from_der(&der).map_err(|error| kind_error(&der, &error))
    }

    /// Reads the key for `rs256`, which takes fewer keys than [`PrivateKeyText::parse`]; `None` for one that only that
    /// takes.
    ///
    /// # Errors
    /// See [`KeyError`]: those of [`PrivateKeyText::parse`].
    pub fn parse_for_rs256(&self) -> Result<Option<SigningKey>, KeyError> {
        let der = self.der()?;
        let key = SigningKey::from_pkcs8_der(&der).or_else(|_| SigningKey::from_pkcs1_der(&der));
        match key {
            Ok(key) => Ok(Some(key)),
            // What is wrong with it in the same words as without rs256.
            Err(_) => self.parse().map(|_| None),
        }
    }

    fn der(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let pem = pem_text::normalize(&self.0).map_err(|error| match error {
            PemTextError::TooLong => KeyError::TooLong,
            PemTextError::NoPem => KeyError::NoPem,
        })?;
        private_key_der(&pem)
    }
}

/// Finds the one private key of a PEM file and gives its DER, PKCS#8 or PKCS#1.
fn private_key_der(pem: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    if pem_text::starts_like_ssh_public_key(pem) {
        return Err(KeyError::Public);
    }
    // RFC 1421 encryption, which PKCS#1 files have; looked for in the text because line breaks may be lost.
    if pem.contains("Proc-Type") && pem.contains("ENCRYPTED") {
        return Err(KeyError::Encrypted);
    }
    let mut key = None;
    // What else is in the file, by rank: what explains most comes last.
    let mut other = KeyError::CutOff;
    for block in pem::parse_many(pem).map_err(|error| match error {
        pem::PemError::MismatchedTags(..) | pem::PemError::MissingEndTag => KeyError::CutOff,
        _ => KeyError::Damaged,
    })? {
        match block.tag() {
            "PRIVATE KEY" | "RSA PRIVATE KEY" => {
                if key.is_some() {
                    return Err(KeyError::Several);
                }
                key = Some(Zeroizing::new(block.into_contents()));
            }
            "ENCRYPTED PRIVATE KEY" => return Err(KeyError::Encrypted),
            "OPENSSH PRIVATE KEY" => return Err(KeyError::OpenSsh),
            tag if tag.ends_with("PRIVATE KEY") => return Err(KeyError::NotRsa),
            tag if tag.ends_with("PUBLIC KEY") => other = KeyError::Public,
            tag if tag.contains("CERTIFICATE") => other = KeyError::Certificate,
            _ => other = KeyError::NotRsa,
        }
    }
    key.ok_or(other)
}

/// Why jwt-simple refused a key.
fn kind_error(der: &[u8], error: &anyhow::Error) -> KeyError {
    use jwt_simple::JWTError;

    /// rsaEncryption (RFC 8017, appendix A.1).
    const RSA: pkcs8::ObjectIdentifier =
        pkcs8::ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
    match error.downcast_ref::<JWTError>() {
        Some(JWTError::WeakKey) => KeyError::TooShort,
        Some(JWTError::UnsupportedRSAModulus) => KeyError::TooLarge,
        _ => match pkcs8::PrivateKeyInfo::try_from(der) {
            Ok(info) if info.algorithm.oid != RSA => KeyError::NotRsa,
            _ => KeyError::Inconsistent,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    fn error_of(text: &str) -> KeyError {
        match PrivateKeyText::new(text.to_owned()).parse() {
            Ok(_) => panic!("accepted"),
            Err(error) => error,
        }
    }

    /// A PEM block; put together here so that no file of the repository looks like a key.
    fn block(tag: &str, body: &str) -> String {
        format!("-----BEGIN {tag}-----\n{body}\n-----END {tag}-----\n")
    }

    /// A key of 2048 bits, made for this run.
    fn key_pem() -> &'static str {
        static PEM: std::sync::OnceLock<String> = std::sync::OnceLock::new();
        PEM.get_or_init(|| RS256KeyPair::generate(2048).unwrap().to_pem().unwrap())
    }

    #[test]
    fn every_shape_gives_the_same_key() {
        let pem = key_pem();
        let der = PrivateKeyText::new(pem.into())
            .parse()
            .unwrap()
            .to_der()
            .unwrap();
        let base64 = STANDARD.encode(pem);
        let wrapped: Vec<_> = base64
            .as_bytes()
            .chunks(76)
            .map(|line| std::str::from_utf8(line).unwrap())
            .collect();
        for (shape, text) in [
            ("CRLF", pem.replace('\n', "\r\n")),
            ("no final line break", pem.trim_end().to_owned()),
            ("more line breaks around it", format!("\n\n{pem}\n\n")),
            ("literal \\n", pem.replace('\n', "\\n")),
            ("literal \\r\\n", pem.replace('\n', "\\r\\n")),
            ("literal \\\\n", pem.replace('\n', "\\\\n")),
            ("spaces for line breaks", pem.replace('\n', " ")),
            ("no line breaks at all", pem.replace('\n', "")),
            ("leading spaces", pem.replace('\n', "\n    ")),
            ("double quotes", format!("\"{pem}\"")),
            (
                "single quotes, one line",
                format!("'{}'", pem.replace('\n', "\\n")),
            ),
            ("a byte order mark", format!("\u{feff}{pem}")),
            ("text before", format!("Key ID: abc123\n{pem}")),
            ("base64", base64.clone()),
            ("base64 in lines", wrapped.join("\n")),
            (
                "base64 without padding",
                base64.trim_end_matches('=').to_owned(),
            ),
            (
                "base64 of one line",
                STANDARD.encode(pem.replace('\n', "\\n")),
            ),
            ("base64 in quotes", format!("\"{base64}\"\n")),
            (
                "after a certificate",
                format!("{}{pem}", block("CERTIFICATE", "AAAA")),
            ),
        ] {
            let parsed = PrivateKeyText::new(text).parse();
            assert_eq!(
                parsed.map(|k| k.to_der().unwrap()).ok(),
                Some(der.clone()),
                "{shape}"
            );
        }
    }

    #[test]
    fn each_wrong_kind_is_told_apart() {
        let pem = key_pem();
        let encrypted = "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA";
        for (text, error) in [
            ("x".repeat(pem_text::MAX_BYTES + 1), KeyError::TooLong),
            ("your_private_key".into(), KeyError::NoPem),
            (STANDARD.encode("nothing"), KeyError::NoPem),
            (pem.lines().skip(1).collect(), KeyError::NoPem),
            (pem[..pem.len() / 2].into(), KeyError::CutOff),
            (pem.lines().next().unwrap().into(), KeyError::CutOff),
            (pem.replace("END", "end"), KeyError::CutOff),
            (pem.replacen("MI", "M!", 1), KeyError::Damaged),
            (block("OPENSSH PRIVATE KEY", "AAAA"), KeyError::OpenSsh),
            (block("ENCRYPTED PRIVATE KEY", "AAAA"), KeyError::Encrypted),
            (block("RSA PRIVATE KEY", encrypted), KeyError::Encrypted),
            (
                block("RSA PRIVATE KEY", encrypted).replace('\n', " "),
                KeyError::Encrypted,
            ),
            (block("PUBLIC KEY", "AAAA"), KeyError::Public),
            (block("RSA PUBLIC KEY", "AAAA"), KeyError::Public),
            ("ssh-rsa AAAA me@host".into(), KeyError::Public),
            (block("CERTIFICATE", "AAAA"), KeyError::Certificate),
            (block("CERTIFICATE REQUEST", "AAAA"), KeyError::Certificate),
            (block("EC PRIVATE KEY", "AAAA"), KeyError::NotRsa),
            (
                ["EC PARAMETERS", "EC PRIVATE KEY"]
                    .map(|tag| block(tag, "AAAA"))
                    .concat(),
                KeyError::NotRsa,
            ),
            (pem.repeat(2), KeyError::Several),
            (block("PRIVATE KEY", "AAAA"), KeyError::Inconsistent),
            (block("RSA PRIVATE KEY", ""), KeyError::Inconsistent),
        ] {
            assert_eq!(error_of(&text), error, "{error:?}");
        }
    }

    #[test]
    fn a_key_for_another_algorithm_is_told_from_a_damaged_one() {
        let pem = jwt_simple::prelude::ES256KeyPair::generate()
            .to_pem()
            .unwrap();
        assert_eq!(error_of(&pem), KeyError::NotRsa);
        let pem = jwt_simple::prelude::Ed25519KeyPair::generate().to_pem();
        assert_eq!(error_of(&pem), KeyError::NotRsa);
    }

    #[test]
    fn every_message_ends_with_a_command() {
        use KeyError::*;
        for error in [
            TooLong,
            NoPem,
            CutOff,
            Damaged,
            OpenSsh,
            Encrypted,
            Public,
            Certificate,
            NotRsa,
            Several,
            TooShort,
            TooLarge,
            Inconsistent,
        ] {
            let message = error.to_string();
            assert!(message.contains("`openssl "), "{message}");
            assert!(message.ends_with('.'), "{message}");
        }
    }

    #[test]
    fn the_text_of_a_key_does_not_show_in_debug_output() {
        let text = PrivateKeyText::new("hunter2".into());
        assert!(!format!("{text:?}").contains("hunter2"));
    }
}
