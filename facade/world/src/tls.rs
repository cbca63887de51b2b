//! The certificate of `web`, and who trusts it. It is made once per process.

use rcgen::{CertificateParams, KeyPair, PKCS_ED25519};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use std::sync::{Arc, LazyLock};

static CERTIFICATE: LazyLock<(CertificateDer<'static>, KeyPair)> = LazyLock::new(|| {
    let key = KeyPair::generate_for(&PKCS_ED25519).expect("the system has chance for a key");
    let certificate = CertificateParams::new(["web".to_owned()]).and_then(|params| params.self_signed(&key));
    (certificate.expect("a name that certificates can have").der().clone(), key)
});

/// What `web` is configured with.
///
/// # Errors
/// If the provider cannot do TLS 1.3.
pub fn server(provider: CryptoProvider) -> Result<Arc<ServerConfig>, rustls::Error> {
    let (certificate, key) = &*CERTIFICATE;
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    let config =
        ServerConfig::builder_with_provider(Arc::new(provider)).with_safe_default_protocol_versions()?;
    let config = config.with_no_client_auth().with_single_cert(vec![certificate.clone()], key.into())?;
    Ok(Arc::new(config))
}

/// What a browser is configured with that trusts `web`.
///
/// # Errors
/// If the provider cannot do TLS 1.3.
pub fn client(provider: CryptoProvider) -> Result<Arc<ClientConfig>, rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(CERTIFICATE.0.clone())?;
    let config =
        ClientConfig::builder_with_provider(Arc::new(provider)).with_safe_default_protocol_versions()?;
    Ok(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
}
