# The balancer ends mutual TLS in verify mode and sends the leaf as X-Amzn-Mtls-Clientcert-Leaf:
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/mutual-authentication.html
# That page does not say what becomes of a client's own copy, so send one before you go live: it has to be gone, or certbound
# refuses (certificate_repeated). Keep listeners without mutual TLS away from the target group: there a copy may pass.
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

# It keeps idle connections for 60 s, and certbound has to keep them for longer (proxy.toml):
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html
# Header names outside [-A-Za-z0-9] are dropped before they reach certbound.
resource "aws_lb" "api" {
  name                       = "bank-api"
  load_balancer_type         = "application"
  drop_invalid_header_fields = true
  subnets                    = var.subnets
  security_groups            = [var.security_group]
}

# Nobody but the balancer reaches certbound and, for health checks, its /readyz. This is what makes trusted_networks true.
resource "aws_security_group" "certbound" {
  name   = "certbound"
  vpc_id = var.vpc
}

resource "aws_vpc_security_group_ingress_rule" "balancer" {
  for_each                     = toset(["8443", "9901"])
  security_group_id            = aws_security_group.certbound.id
  referenced_security_group_id = var.security_group
  ip_protocol                  = "tcp"
  from_port                    = each.value
  to_port                      = each.value
}
