//! x
use std::process::Command;
struct Os;
impl rand_core::TryRng for Os {
    type Error = std::io::Error;
    fn try_next_u32(&mut self) -> Result<u32, Self::Error> { let mut b=[0;4]; self.try_fill_bytes(&mut b)?; Ok(u32::from_le_bytes(b)) }
    fn try_next_u64(&mut self) -> Result<u64, Self::Error> { let mut b=[0;8]; self.try_fill_bytes(&mut b)?; Ok(u64::from_le_bytes(b)) }
    fn try_fill_bytes(&mut self, d: &mut [u8]) -> Result<(), Self::Error> { use std::io::Read; std::fs::File::open("/dev/urandom")?.read_exact(d) }
}
impl rand_core::TryCryptoRng for Os {}
#[test]
fn quick() {
    for bits in ["2048","3072","4096"] {
        let pem = format!("/tmp/keep/keys/{bits}.pem");
        let der = Command::new("openssl").args(["pkey","-in",&pem,"-outform","DER"]).output().unwrap().stdout;
        let t=std::time::Instant::now();
        let key = rs256::SigningKey::from_pkcs8_der(&der).or_else(|_| rs256::SigningKey::from_pkcs1_der(&der)).unwrap();
        println!("parse {:?}", t.elapsed());
        std::fs::write("/tmp/x-rs256/target/msg", b"hello").unwrap();
        let sig = Command::new("openssl").args(["dgst","-sha256","-sign",&pem,"/tmp/x-rs256/target/msg"]).output().unwrap().stdout;
        let t=std::time::Instant::now();
        assert_eq!(key.sign(b"hello", &mut Os).unwrap(), sig);
        println!("sign {:?}", t.elapsed());
    }
}
