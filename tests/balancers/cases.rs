//! What every load balancer is put to: who shows a certificate in the handshake, and what is forged in the headers.

use std::net::SocketAddr;

use rustls::version::{TLS12, TLS13};

use crate::support::{
    balancer::{Balancer, curl::Curl, example, server::Server},
    bank::Bank,
    connection::Connection,
    pki::{Client, Pki},
    tls::client_config_in,
};

/// One request, and what has to become of it.
struct Case {
    name: String,
    /// Who holds the key of the certificate that is shown.
    handshake: Option<&'static Client>,
    /// Whose token it is.
    token: &'static Client,
    forged: Vec<(String, String)>,
    expected: Expected,
}

enum Expected {
    /// The bank is told of this client, and of nobody else.
    Passes(&'static Client),
    /// The bank is told nothing.
    Refused(u16, &'static str),
    /// Not even certbound is asked.
    Kept,
}

impl Balancer {
    /// Runs the load balancer in front of certbound, both as in `examples/`, and puts every case to them.
    pub(crate) fn is_believed_about_its_handshakes_alone(&self) {
        // Before the program is looked for: the files fit or not, whether it is installed or not.
        example::assert_fits(self);
        let Some(program) = self.find() else { return };
        let bank = Bank::start();
        let sidecar = example::sidecar(self.folder, &bank);
        let server = Server::start(self, &program, sidecar.address());
        for curl in [Curl::new(server.port), Curl::new(server.port).with_http2()] {
            for case in self.cases() {
                self.hold(&case, &curl, &bank);
            }
            tells_where_the_client_called(&curl, &bank);
            leaves_paths_as_they_came(&curl, &bank);
        }
        self.takes_sessions_up(&server, &bank);
    }

    /// A balancer that resumes a session may have kept the leaf and not the chain, or neither.
    fn takes_sessions_up(&self, server: &Server, bank: &Bank) {
        let pki = Pki::get();
        let client = if self.carries_chain { &pki.carol } else { &pki.alice };
        let authorization = format!("Authorization: Bearer {}", client.token());
        let request = format!("GET /accounts HTTP/1.1\r\nHost: localhost\r\n{authorization}\r\n\r\n");
        for version in [&TLS12, &TLS13] {
            let tls = client_config_in(&[version], &pki.infrastructure, Some(client));
            for round in 1..=3 {
                let address = SocketAddr::from(([127, 0, 0, 1], server.port));
                let mut connection = Connection::tls(address, "localhost", tls.clone());
                connection.write(request.as_bytes());

                let answer = connection.answer("GET");

                let name = format!("handshake {round} in {:?}", version.version);
                assert_eq!((answer.status, answer.code()), (200, String::new()), "{name}");
                self.has_told(bank, client, &name);
            }
        }
    }

    fn hold(&self, case: &Case, curl: &Curl, bank: &Bank) {
        let authorization = ("Authorization".to_owned(), format!("Bearer {}", case.token.token()));
        let headers: Vec<_> = case.forged.iter().cloned().chain([authorization]).collect();

        let (name, answer) = (&case.name, curl.get(&headers, case.handshake));

        let outcome = answer.as_ref().map(|answer| (answer.status, answer.code()));
        match case.expected {
            Expected::Passes(client) => {
                assert_eq!(outcome, Some((200, String::new())), "{name}: {answer:?}");
                self.has_told(bank, client, name);
            }
            Expected::Refused(status, code) => {
                assert_eq!(outcome, Some((status, code.to_owned())), "{name}: {answer:?}");
                assert_eq!(bank.requests(), 0, "{name}");
            }
            Expected::Kept => {
                assert!(answer.is_none_or(|answer| answer.status >= 400 && !answer.is_certbounds()), "{name}");
                assert_eq!(bank.requests(), 0, "{name}");
            }
        }
    }

    fn has_told(&self, bank: &Bank, client: &Client, name: &str) {
        let told = bank.only().identity();
        let (added, told): (Vec<_>, Vec<_>) =
            told.into_iter().partition(|(name, _)| self.adds.contains(&name.as_str()));
        assert_eq!(told, [(self.header.to_ascii_lowercase(), (self.form)(&client.der))], "{name}");
        assert_eq!(added.iter().map(|(name, _)| name).collect::<Vec<_>>(), self.adds, "{name}");
    }

    fn cases(&self) -> Vec<Case> {
        let pki = Pki::get();
        let mut cases = self.certificates(pki);
        for (forgery, names) in self.forgeries() {
            for (handshake, victim, expected) in [
                (None, &pki.alice, Expected::Refused(401, "certificate_missing")),
                (Some(&pki.mallory), &pki.alice, Expected::Refused(401, "binding_mismatch")),
                (Some(&pki.alice), &pki.mallory, Expected::Passes(&pki.alice)),
            ] {
                let name = format!("{forgery}, sent by {}", handshake.map_or("nobody", |client| &client.name));
                let forged = names.iter().map(|name| (name.clone(), (self.form)(&victim.der))).collect();
                cases.push(Case { name, handshake, token: &pki.alice, forged, expected });
            }
        }
        cases
    }

    /// Certificates with a token of their own, and nothing forged.
    fn certificates(&self, pki: &'static Pki) -> Vec<Case> {
        let untrusted = || Expected::Refused(401, "certificate_untrusted");
        let expired = if self.refuses_expired { Expected::Kept } else { Expected::Refused(401, "certificate_expired") };
        // Its issuer is in no truststore, but the client shows it.
        let carol = if self.carries_chain { Expected::Passes(&pki.carol) } else { untrusted() };
        let all = [
            ("an expired certificate", &pki.expired, expired),
            ("a certificate of a foreign authority", &pki.stranger, untrusted()),
            ("a certificate with an intermediate", &pki.carol, carol),
        ];
        let case = |(name, client, expected): (&str, _, _)| {
            let name = name.to_owned();
            Case { name, handshake: Some(client), token: client, forged: Vec::new(), expected }
        };
        all.map(case).into()
    }

    /// Header names under which a client can try to show somebody's certificate.
    fn forgeries(&self) -> Vec<(&'static str, Vec<String>)> {
        let exact = self.header.to_owned();
        let (underscores, dots) = (exact.replace('-', "_"), exact.replace('-', "."));
        vec![
            ("nothing", Vec::new()),
            ("the header", vec![exact.clone()]),
            ("the header in other letters", vec![exact.to_ascii_uppercase()]),
            ("the header twice", vec![exact.clone(), exact.clone()]),
            ("the alias with underscores", vec![underscores.clone()]),
            ("the alias with dots", vec![dots.clone()]),
            ("the header and both aliases", vec![underscores, exact, dots]),
            ("the names of all balancers", ALL_BALANCERS.map(str::to_owned).to_vec()),
        ]
    }
}

/// certbound takes the load balancer's word for the origin that was called, so that word must not be the client's.
fn tells_where_the_client_called(curl: &Curl, bank: &Bank) {
    let alice = &Pki::get().alice;
    let headers = [
        ("Authorization", format!("Bearer {}", alice.token())),
        ("X-Forwarded-Host", "forged.example".to_owned()),
        ("X-Forwarded-Proto", "http".to_owned()),
    ];

    let answer = curl.get(&headers.map(|(name, value)| (name.to_owned(), value)), Some(alice));

    assert_eq!(answer.map(|answer| answer.status), Some(200));
    let seen = bank.only();
    let host = seen.fields.all("X-Forwarded-Host");
    assert!(host.iter().all(|value| !value.contains("forged")), "{host:?}");
    assert_eq!(seen.fields.all("X-Forwarded-Proto"), ["https"]);

    // The port belongs to the origin, of which a DPoP proof tells.
    let authorization = ["--header".to_owned(), format!("Authorization: Bearer {}", alice.token())];
    let answer = curl.call("https://localhost:8443/accounts", Some(alice), &authorization);

    assert_eq!(answer.map(|answer| answer.status), Some(200));
    let seen = bank.only();
    assert_eq!(seen.fields.all("Host"), ["localhost:8443"]);
    assert!(seen.fields.all("X-Forwarded-Host").iter().all(|host| *host == "localhost:8443"));
}

/// What a balancer has made clean, certbound can neither refuse nor record.
fn leaves_paths_as_they_came(curl: &Curl, bank: &Bank) {
    let alice = &Pki::get().alice;
    for path in ["/a/../accounts", "/a/%2e%2e/accounts", "/a//accounts", "/a/./accounts", "/a%2Faccounts"] {
        let authorization = format!("Authorization: Bearer {}", alice.token());
        let arguments = ["--path-as-is".to_owned(), "--header".to_owned(), authorization];

        let answer = curl.call(&format!("https://localhost{path}"), Some(alice), &arguments);

        let outcome = answer.as_ref().map(|answer| (answer.status, answer.code()));
        assert_eq!(outcome, Some((400, "path_ambiguous".to_owned())), "{path}: {answer:?}");
        assert_eq!(bank.requests(), 0, "{path}");
    }
}

const ALL_BALANCERS: [&str; 13] = [
    "ssl.client.auth.cert.X509",
    "X-SSL-Client-Cert",
    "X-SSL-Client-Chain",
    "X-SSL-Client-Verify",
    "ssl-client-cert",
    "x-forwarded-client-cert",
    "X-Forwarded-Tls-Client-Cert",
    "Client-Cert",
    "Client-Cert-Chain",
    "X-Amzn-Mtls-Clientcert",
    "X-Amzn-Mtls-Clientcert-Leaf",
    "X-ARR-ClientCert",
    "X-Client-Cert",
];
