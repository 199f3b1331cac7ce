//! The private key: parses every form in which operators paste a key, or returns a message that says how to repair it.
//!
//! `pem` undoes the encoding (quotes, escaped line breaks, base64 of the whole file), and this file checks the kind of key.
//! 8x8 tells its users to create a PKCS#1 file with `ssh-keygen -m PEM`, and OpenSSL creates PKCS#8. Both work, with 2048 to
//! 4096 bits. No error shows any part of the key.
#![forbid(unsafe_code)]

pub(crate) mod pem;

use jwt_simple::JWTError;
use jwt_simple::prelude::RS256KeyPair;
use rs256::SigningKey;
use zeroize::Zeroizing;

use crate::secret::Secret;
use pem::{Document, Kind, Wiped};

/// The unparsed value of the variable. Wiped when it is dropped.
#[derive(Debug)]
pub struct PrivateKeyText(Secret<Zeroizing<String>>);

/// Why a text is not a usable key. `Display` continues a sentence that starts with the variable's name, and ends with the
/// command that repairs the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text is longer than 64 KiB.
    #[error(
        "is longer than any private key; give the PEM file alone, as `openssl pkey -in key.pem` prints it."
    )]
    TooLong,
    /// The text has no `BEGIN` line, neither plain nor in base64.
    #[error(
        "is not PEM: it has no BEGIN line; copy the whole file with its BEGIN and END lines, as `openssl pkey -in key.pem` prints it."
    )]
    NoPem,
    /// A `BEGIN` line has no matching `END` line.
    #[error(
        "is cut off: it has a BEGIN line and no END line that belongs to it; copy the whole file, as `openssl pkey -in key.pem` prints it. A tool that keeps only the first line can be given `base64 -w0 key.pem`."
    )]
    CutOff,
    /// The content between the lines is not base64.
    #[error(
        "is damaged: what stands between its BEGIN and END lines is not base64; copy the file again, as `openssl pkey -in key.pem` prints it."
    )]
    Damaged,
    /// The key is in OpenSSH's own format.
    #[error(
        "is in OpenSSH's own format; convert the file with `ssh-keygen -p -N \"\" -m PEM -f key.pem`, then check it with `openssl pkey -in key.pem -check -noout`."
    )]
    OpenSsh,
    /// The key is encrypted with a passphrase, in PKCS#8 or in a PKCS#1 file.
    #[error(
        "is encrypted with a passphrase, which nobody can type here; decrypt it with `openssl pkey -in key.pem -out plain.pem` and give plain.pem."
    )]
    Encrypted,
    /// The text is a public key.
    #[error(
        "is a public key; give the private key that belongs to it, the file from which `openssl pkey -in key.pem -pubout` prints this one."
    )]
    Public,
    /// The text is a certificate, or a request for one.
    #[error(
        "is a certificate; give the private key that belongs to it, the file that `openssl pkey -in key.pem -check -noout` accepts."
    )]
    Certificate,
    /// The `BEGIN` line names neither a key nor another known type.
    #[error(
        "has a BEGIN line that names no private key; copy the whole file with its lines as they are, as `openssl pkey -in key.pem` prints it."
    )]
    UnknownLabel,
    /// The key is for an algorithm other than RSA.
    #[error("is not an RSA key, and 8x8 takes no other; {}.", GENERATE)]
    NotRsa,
    /// The text holds more than one private key.
    #[error(
        "holds more than one private key; give the one that belongs to jaas_key_id, as `openssl pkey -in key.pem` prints it."
    )]
    Several,
    /// The modulus has fewer than 2048 bits.
    #[error("has fewer than 2048 bits, which is not secure; {}.", GENERATE)]
    TooShort,
    /// The modulus has more than 4096 bits.
    #[error("has more than 4096 bits, which is not supported; {}.", GENERATE)]
    TooLarge,
    /// The key's values are inconsistent, or its public exponent is not 65537.
    #[error(
        "is not a valid RSA key with public exponent 65537 and two primes; check it with `openssl rsa -in key.pem -check -noout`, and where that fails, or `-text` instead of `-check` shows another exponent or a third prime, {}.",
        GENERATE
    )]
    Inconsistent,
}

const GENERATE: &str = "make a new pair with `openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:4096 -out key.pem` and give 8x8 its public half, `openssl pkey -in key.pem -pubout`";

impl From<pem::Error> for Error {
    fn from(error: pem::Error) -> Self {
        match error {
            pem::Error::TooLong => Self::TooLong,
            pem::Error::NoPem => Self::NoPem,
            pem::Error::CutOff => Self::CutOff,
            pem::Error::Damaged => Self::Damaged,
        }
    }
}

impl PrivateKeyText {
    /// Wraps the value of a variable.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Secret::new(Zeroizing::new(text)))
    }

    /// Returns the text, to compare it.
    pub(crate) fn expose(&self) -> &str {
        self.0.expose()
    }

    /// Parses the key.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn parse(&self) -> Result<RS256KeyPair, Error> {
        let der = self.der()?;
        RS256KeyPair::from_der(&der).map_err(|error| kind_error(&der, &error))
    }

    /// Parses the key for `rs256`, which supports fewer keys than [`PrivateKeyText::parse`]. Returns `None` for a key that
    /// only `parse` supports.
    ///
    /// # Errors
    /// The same as those of [`PrivateKeyText::parse`].
    pub fn parse_for_rs256(&self) -> Result<Option<SigningKey>, Error> {
        let der = self.der()?;
        let key = SigningKey::from_pkcs8_der(&der).or_else(|_| SigningKey::from_pkcs1_der(&der));
        match key {
            Ok(key) => Ok(Some(key)),
            // Reports the same error as without `rs256`.
            Err(_) => self.parse().map(|_| None),
        }
    }

    /// Returns the DER of the only private key, in PKCS#8 or PKCS#1.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn der(&self) -> Result<Wiped, Error> {
        match pem::read(self.0.expose())? {
            Document::Pem(pem) => private_key_der(&pem),
            Document::Der(der, Kind::Private) => Ok(der),
            Document::Der(_, Kind::Encrypted) => Err(Error::Encrypted),
            Document::Der(_, Kind::EcPrivate) => Err(Error::NotRsa),
            Document::Der(_, Kind::Public) | Document::SshPublicKey => Err(Error::Public),
            Document::Der(_, Kind::Certificate) => Err(Error::Certificate),
        }
    }
}

/// Finds the only private key in a PEM file.
fn private_key_der(pem: &[u8]) -> Result<Wiped, Error> {
    let mut key = None;
    // The error if there is no private key. A later block replaces an earlier one's error.
    let mut other = Error::CutOff;
    for block in pem::blocks(pem) {
        let block = block?;
        match block.label {
            b"PRIVATE KEY" | b"RSA PRIVATE KEY" if block.is_encrypted() => {
                return Err(Error::Encrypted);
            }
            b"PRIVATE KEY" | b"RSA PRIVATE KEY" => {
                if key.replace(block).is_some() {
                    return Err(Error::Several);
                }
            }
            b"ENCRYPTED PRIVATE KEY" => return Err(Error::Encrypted),
            b"OPENSSH PRIVATE KEY" => return Err(Error::OpenSsh),
            b"EC PRIVATE KEY" | b"DSA PRIVATE KEY" => return Err(Error::NotRsa),
            label if label.ends_with(b"PUBLIC KEY") => other = Error::Public,
            label if label.starts_with(b"CERTIFICATE") || label.ends_with(b"CERTIFICATE") => {
                other = Error::Certificate;
            }
            b"NEW CERTIFICATE REQUEST" => other = Error::Certificate,
            label if label.ends_with(b" PARAMETERS") => other = Error::NotRsa,
            _ => other = Error::UnknownLabel,
        }
    }
    Ok(key.ok_or(other)?.decode()?)
}

/// Returns why jwt-simple rejected a key.
fn kind_error(der: &[u8], error: &anyhow::Error) -> Error {
    /// The OID of `rsaEncryption` (RFC 8017, appendix A.1).
    const RSA: pkcs8::ObjectIdentifier =
        pkcs8::ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
    match error.downcast_ref::<JWTError>() {
        Some(JWTError::WeakKey) => Error::TooShort,
        Some(JWTError::UnsupportedRSAModulus) => Error::TooLarge,
        _ => match pkcs8::PrivateKeyInfo::try_from(der) {
            Ok(info) if info.algorithm.oid != RSA => Error::NotRsa,
            _ => Error::Inconsistent,
        },
    }
}

#[cfg(test)]
mod tests;
