//! Small servers: one with TLS on a loopback port, for the fault proxy, the progress of importers and guest agents, and one
//! without, for what Prometheus scrapes and who stands before it.

use std::convert::Infallible;
use std::future::ready;
use std::net::IpAddr;
use std::sync::Arc;
use std::{fs, io};

use anyhow::{Context as _, Result};
use hyper::body::{Body, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::pki::Pki;

/// A request was answered with nothing: the connection is closed.
#[derive(Debug)]
pub(crate) struct Cut;

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the connection was cut on purpose")
    }
}

impl std::error::Error for Cut {}

impl From<Infallible> for Cut {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// Serves on `port` (0 for a free one) until the runtime ends, with a certificate of the folder; gives the port.
pub(crate) async fn start<B, F, A>(pki: &Pki, certificate: &str, port: u16, answer: A) -> Result<u16>
where
    A: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Result<Response<B>, Cut>> + Send + 'static,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (own, key) = (format!("{certificate}.crt"), format!("{certificate}.key"));
    let key = PrivateKeyDer::from_pem_slice(&fs::read(pki.path(&key))?).context(key)?;
    let certificate = CertificateDer::from_pem_slice(&fs::read(pki.path(&own))?).context(own)?;
    let tls = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)?;
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    serve(listener, answer, move |stream| acceptor.clone().accept(stream))
}

/// Serves without TLS on a free port of an address until the runtime ends; gives the port.
pub(crate) async fn plain<B, F, A>(address: IpAddr, answer: A) -> Result<u16>
where
    A: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Result<Response<B>, Cut>> + Send + 'static,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let listener = TcpListener::bind((address, 0)).await?;
    serve(listener, answer, |stream| ready(Ok(stream)))
}

/// Answers every connection until the runtime ends, once it is opened; gives the port.
fn serve<B, F, A, O, S>(listener: TcpListener, answer: A, open: impl Fn(TcpStream) -> O + Send + 'static) -> Result<u16>
where
    A: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Result<Response<B>, Cut>> + Send + 'static,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    O: Future<Output = io::Result<S>> + Send + 'static,
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let port = listener.local_addr()?.port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (opened, answer) = (open(stream), answer.clone());
            tokio::spawn(async move {
                let Ok(stream) = opened.await else { return };
                let connection = hyper::server::conn::http1::Builder::new();
                let _ = connection.serve_connection(TokioIo::new(stream), service_fn(answer)).with_upgrades().await;
            });
        }
    });
    Ok(port)
}
