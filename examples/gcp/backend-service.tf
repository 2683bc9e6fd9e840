# Google's balancer ends mutual TLS and writes the certificate in the form of RFC 9440.
# A custom request header replaces a client's header of the same name.
resource "google_network_security_server_tls_policy" "mtls" {
  name = "bank-mtls"
  mtls_policy {
    client_validation_mode         = "ALLOW_INVALID_OR_MISSING_CLIENT_CERT" # certbound verifies, and names the reason
    client_validation_trust_config = google_certificate_manager_trust_config.clients.id
  }
}

resource "google_compute_backend_service" "api" {
  name                  = "bank-api"
  protocol              = "HTTPS"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  custom_request_headers = [
    "Client-Cert: {client_cert_leaf}",
    "Client-Cert-Chain: {client_cert_chain}",
  ]
  backend {
    group = google_compute_region_network_endpoint_group.certbound.id
  }
}
