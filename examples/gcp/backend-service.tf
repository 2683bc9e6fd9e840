# Google's balancer ends mutual TLS and writes the certificate in the form of RFC 9440.
# A custom request header replaces a client's header of the same name.
# `client_cert_leaf` is empty unless the certificate passed Google's own validation
# (https://cloud.google.com/load-balancing/docs/https/custom-headers): one that is expired or of an unknown authority is
# certificate_missing to certbound, and the variable `client_cert_error` would tell why.
resource "google_network_security_server_tls_policy" "mtls" {
  name = "bank-mtls"
  mtls_policy {
    client_validation_mode         = "ALLOW_INVALID_OR_MISSING_CLIENT_CERT" # refused by certbound, with an answer to read
    client_validation_trust_config = google_certificate_manager_trust_config.clients.id
  }
}

# Without the policy on the proxy nobody is asked for a certificate.
resource "google_compute_target_https_proxy" "api" {
  name              = "bank-api"
  url_map           = google_compute_url_map.api.id
  certificate_map   = "//certificatemanager.googleapis.com/${google_certificate_manager_certificate_map.api.id}"
  server_tls_policy = google_network_security_server_tls_policy.mtls.id
}

# The 600 s for which it keeps idle connections are fixed; certbound has to keep them for longer (proxy.toml):
# https://cloud.google.com/load-balancing/docs/https/request-distribution
resource "google_compute_backend_service" "api" {
  name                  = "bank-api"
  protocol              = "HTTPS"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  health_checks         = [google_compute_health_check.certbound.id]
  custom_request_headers = [
    "Client-Cert: {client_cert_leaf}",
    "Client-Cert-Chain: {client_cert_chain}",
    "X-Forwarded-Host: api.bank.example",
  ]
  backend {
    group                 = google_compute_network_endpoint_group.certbound.id
    balancing_mode        = "RATE"
    max_rate_per_endpoint = 1000
  }
}

# The machines or pods in which certbound listens.
resource "google_compute_network_endpoint_group" "certbound" {
  name                  = "certbound"
  network               = var.network
  subnetwork            = var.subnetwork
  zone                  = var.zone
  network_endpoint_type = "GCE_VM_IP_PORT"
  default_port          = 8443
}

# certbound's own word: on its other port a question without a certificate is refused.
resource "google_compute_health_check" "certbound" {
  name = "certbound"
  http_health_check {
    port         = 9901
    request_path = "/readyz"
  }
}

# Front ends and health checks come from these networks, and nobody else may
# (https://cloud.google.com/load-balancing/docs/firewall-rules).
resource "google_compute_firewall" "certbound" {
  name          = "certbound"
  network       = var.network
  source_ranges = ["35.191.0.0/16", "130.211.0.0/22"]
  target_tags   = ["certbound"]
  allow {
    protocol = "tcp"
    ports    = ["8443", "9901"]
  }
}
