# BIG-IP ends mutual TLS (client SSL profile: Client Certificate = request) and hands the certificate on as base64 DER.
# Resume no sessions (in that profile Cache Size 0, and Session Ticket off): one that is resumed may have no certificate here,
# and its client is refused then.
when HTTP_REQUEST {
    # Every copy goes first, whatever the handshake brought.
    foreach name { X-Client-Cert Client-Cert Client-Cert-Chain X-SSL-Client-Cert X-Forwarded-Client-Cert X-Forwarded-Host } {
        while { [HTTP::header exists $name] } { HTTP::header remove $name }
    }
    if { [SSL::cert count] > 0 } {
        HTTP::header insert X-Client-Cert [b64encode [SSL::cert 0]]
    }
}
