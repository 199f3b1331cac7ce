//! Issues Jitsi-as-a-Service tokens.
use spin_sdk::http::{IncomingRequest, IntoResponse, Response};

#[allow(unsafe_code)]
mod entry {
    use super::*;
    #[spin_sdk::http_component]
    fn handle(req: IncomingRequest) -> anyhow::Result<impl IntoResponse> {
        let v = spin_sdk::variables::get("jaas_private_key").unwrap_or_default();
        let k = jwt_simple::prelude::RS256KeyPair::from_pem(&v)
            .map(|_| "ok")
            .unwrap_or("no");
        Ok(Response::builder()
            .status(200)
            .header("content-type", "application/json")
            .body(format!("{{\"k\":{k:?},\"h\":{:?}}}", req.headers().entries().len()))
            .build())
    }
}
