#![expect(clippy::unwrap_used, reason = "tests state what they need")]

use tokio::net::TcpListener;

use super::*;

fn rules(hosts: &[&str], allow_private: bool) -> AddressRules {
    AddressRules::new(&hosts.iter().map(|host| (*host).to_owned()).collect::<Vec<_>>(), allow_private)
}

#[test]
fn ip_address_is_public_private_or_never_connected_to() {
    let check = |expected: Reach, addresses: &[&str]| {
        for address in addresses {
            assert_eq!(reach(address.parse().unwrap()), expected, "{address}");
        }
    };
    check(
        Reach::Public,
        &[
            "8.8.8.8",
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2606:4700:4700::1111",
            "2a00:1450::1",
            "2001:4860:4860::8888",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2002:808:808::1",
        ],
    );
    check(
        Reach::Private,
        &[
            "127.0.0.1",
            "127.255.255.254",
            "10.0.0.1",
            "10.255.255.255",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.0.1",
            "192.168.255.255",
            "100.64.0.1",
            "100.127.255.255",
            "::1",
            "fc00::1",
            "fdff::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "::ffff:0:127.0.0.1",
            "64:ff9b::10.0.0.1",
            "2002:7f00:1::",
            "2002:c0a8:1::1",
        ],
    );
    check(
        Reach::Never,
        &[
            "0.0.0.0",
            "0.1.2.3",
            "169.254.169.254",
            "169.254.0.1",
            "168.63.129.16",
            "100.100.100.200",
            "192.0.0.192",
            "192.0.2.1",
            "198.51.100.1",
            "203.0.113.1",
            "198.18.0.1",
            "198.19.255.255",
            "192.88.99.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
            "fd00:ec2::254",
            "fd20:ce::254",
            "2001:db8::1",
            "3fff::1",
            "2001::1",
            "2001:20::1",
            "100::1",
            "64:ff9b:1::1",
            "::ffff:169.254.169.254",
            "::169.254.169.254",
            "64:ff9b::169.254.169.254",
            "2002:a9fe:a9fe::1",
            "::2",
            "::ffff:0:a9fe:a9fe",
            "5f00::1",
            "4000::1",
        ],
    );
}

#[test]
fn address_is_a_plain_one_over_http_or_https() {
    let any = rules(&[], false);
    for address in [
        "http://ocsp.bank.example",
        "http://ocsp.bank.example/",
        "HTTP://OCSP.bank.example/a?b",
        "https://a.example:443/",
        "http://8.8.8.8/",
        "http://[2606:4700::1]/x",
        "http://a.example:80",
        "https://a.example:80",
    ] {
        assert!(any.admit(address).is_ok(), "{address}");
    }
    let long = format!("http://a.example/{}", "a".repeat(2048));
    for address in [
        "",
        "/",
        "ocsp.bank.example",
        "a.example:80",
        "ldap://a.example/",
        "file:///etc/passwd",
        "ftp://a.example/",
        "gopher://a.example/",
        "http:///",
        "http://",
        "http://user@a.example/",
        "http://user:pass@a.example/",
        "http://user@a.example:80/",
        "http://a.example@127.0.0.1/",
        "http://a.example/#x",
        "http://a.example:/",
        "http://a.example:99999/",
        "http://a b.example/",
        "http://a.example/\r\nx: y",
        "http://[::1%25eth0]/",
        &long,
    ] {
        let error = any.admit(address).unwrap_err();
        assert!(matches!(error, AddressError::Malformed), "{address}: {error:?}");
    }
    for address in ["http://a.example:25/", "https://a.example:8443/"] {
        assert!(matches!(any.admit(address), Err(AddressError::Port)), "{address}");
    }
    for address in ["http://127.0.0.1/", "http://[::1]/", "http://[::ffff:7f00:1]/", "http://169.254.169.254/latest"] {
        assert!(matches!(any.admit(address), Err(AddressError::NotPublic)), "{address}");
    }
}

#[test]
fn listed_hosts_are_the_only_ones_and_have_ports_of_their_own() {
    let listed = rules(&["ocsp.bank.example", "::1", "10.0.0.9", "2606:4700::1"], false);
    for address in ["http://ocsp.bank.example/", "http://ocsp.bank.example:2560/", "http://OCSP.BANK.EXAMPLE./"] {
        assert!(listed.admit(address).is_ok(), "{address}");
    }
    assert!(listed.admit("http://[2606:4700:0::0:1]/").is_ok(), "another way to write it");
    for address in [
        "http://bank.example/",
        "http://x.ocsp.bank.example/",
        "http://ocsp.bank.example.evil.example/",
        "http://8.8.8.8/",
        "http://[::ffff:10.0.0.9]/",
    ] {
        assert!(matches!(listed.admit(address), Err(AddressError::Host)), "{address}");
    }
    // A list says which hosts, not which networks.
    for address in ["http://[::1]/", "http://10.0.0.9/"] {
        assert!(matches!(listed.admit(address), Err(AddressError::NotPublic)), "{address}");
        assert!(rules(&["::1", "10.0.0.9"], true).admit(address).is_ok(), "{address}");
    }
    assert!(matches!(rules(&[], true).admit("http://169.254.169.254/"), Err(AddressError::NotPublic)));
}

#[tokio::test]
async fn name_of_a_private_place_is_not_connected_to() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let at = |host: &str| format!("http://{host}:{port}/").parse::<Uri>().unwrap();
    let listed = rules(&["localhost", "127.0.0.1", "2130706433", "0x7f000001"], false);
    for host in ["2130706433", "0x7f000001", "127.1"] {
        assert!(matches!(listed.connect(&at(host)).await, Err(AddressError::Malformed)), "{host}");
    }
    for host in ["localhost", "LOCALHOST.", "127.0.0.1"] {
        let error = listed.connect(&at(host)).await.unwrap_err();
        assert!(matches!(error, AddressError::NotPublic | AddressError::Connection(_)), "{host}: {error:?}");
    }
    for host in ["localhost", "127.0.0.1"] {
        assert_eq!(rules(&[], true).connect(&at(host)).await.unwrap().peer_addr().unwrap().port(), port);
    }
    assert!(matches!(rules(&["a.example"], true).connect(&at("127.0.0.1")).await, Err(AddressError::Host)));
    assert!(matches!(rules(&[], false).connect(&at("localhost")).await, Err(AddressError::Port)));
}
