# The balancer ends mutual TLS in verify mode and sends the leaf as X-Amzn-Mtls-Clientcert-Leaf.
# An ALB overwrites its own X-Amzn-Mtls-* names on every request of this listener; keep listeners without mutual TLS away
# from the target group, because there a client's copies pass.
resource "aws_lb_trust_store" "clients" {
  name                             = "bank-clients"
  ca_certificates_bundle_s3_bucket = "bank-trust"
  ca_certificates_bundle_s3_key    = "client-ca.pem"
}

resource "aws_lb_listener" "api" {
  load_balancer_arn = aws_lb.api.arn
  port              = 443
  protocol          = "HTTPS"
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = aws_acm_certificate.api.arn

  mutual_authentication {
    mode            = "verify"
    trust_store_arn = aws_lb_trust_store.clients.arn
  }

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.certbound.arn # HTTPS to certbound's listener
  }
}

# Header names outside [-A-Za-z0-9] are dropped before they reach certbound.
resource "aws_lb" "api" {
  name                       = "bank-api"
  load_balancer_type         = "application"
  drop_invalid_header_fields = true
  subnets                    = var.subnets
  security_groups            = [var.security_group]
}
