//! Certificates out of PEM text.

use anyhow::{Result, bail};
use base64::Engine as _;

/// The certificates of a PEM text.
pub(super) fn certificates(pem: &[u8]) -> Result<Vec<Vec<u8>>> {
    let text = String::from_utf8_lossy(pem);
    let blocks = text.split("-----BEGIN CERTIFICATE-----").skip(1);
    let bodies = blocks.filter_map(|block| Some(block.split_once("-----END CERTIFICATE-----")?.0));
    let decoded: Option<Vec<_>> = bodies
        .map(|body| {
            let body: String = body.split_whitespace().collect();
            base64::engine::general_purpose::STANDARD.decode(body).ok()
        })
        .collect();
    match decoded {
        Some(found) if !found.is_empty() => Ok(found),
        _ => bail!("the certificate authority holds no certificate in PEM form; see `certificate-authority`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_certificates_count() {
        let block = |kind: &str| format!("-----BEGIN {kind}-----\r\nAA\r\nEC\n-----END {kind}-----\n");
        let text = format!("# a comment\n{}{}{}", block("CERTIFICATE"), block("PRIVATE KEY"), block("CERTIFICATE"));
        assert_eq!(certificates(text.as_bytes()).unwrap(), [[0, 1, 2], [0, 1, 2]]);
        for broken in ["", "AAEC", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----"] {
            assert!(certificates(broken.as_bytes()).is_err(), "{broken}");
        }
    }
}
