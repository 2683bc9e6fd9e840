//! What every load balancer is put to: who shows a certificate in the handshake, and what is forged in the headers.

use crate::{
    balancer::Balancer,
    curl::{Answer, Curl},
    example,
    server::Server,
    support::{
        bank::Bank,
        pki::{Client, Pki},
    },
};

/// One request, and what has to become of it.
struct Case<'a> {
    name: String,
    /// Who holds the key of the certificate that is shown.
    handshake: Option<&'a Client>,
    /// Whose token it is.
    token: &'a Client,
    forged: Vec<(String, String)>,
    expected: Expected<'a>,
}

enum Expected<'a> {
    /// The bank is told of this client, and of nobody else.
    Passes(&'a Client),
    /// The bank is told nothing.
    Refused(u16, &'static str),
}

impl Balancer {
    /// Runs the load balancer in front of certbound, both as in `examples/`, and puts every case to them.
    pub(crate) fn is_believed_about_its_handshakes_alone(&self) {
        let Some(program) = self.find() else { return };
        let bank = Bank::start();
        let sidecar = example::sidecar(self.folder, &bank);
        let server = Server::start(self, &program, sidecar.address());
        for curl in [Curl::new(server.port), Curl::new(server.port).with_http2()] {
            for case in self.cases() {
                self.hold(&case, &curl, &bank);
            }
        }
    }

    fn hold(&self, case: &Case<'_>, curl: &Curl, bank: &Bank) {
        let authorization = ("Authorization".to_owned(), format!("Bearer {}", case.token.token()));
        let headers: Vec<_> = case.forged.iter().cloned().chain([authorization]).collect();

        let answer = curl.get(&headers, case.handshake).unwrap_or_else(|| panic!("{}: no answer", case.name));

        match case.expected {
            Expected::Passes(client) => self.passes(&case.name, &answer, bank, client),
            Expected::Refused(status, code) => {
                assert_eq!((answer.status, answer.code().as_str()), (status, code), "{}: {answer:?}", case.name);
                assert_eq!(bank.requests(), 0, "{}", case.name);
            }
        }
    }

    fn passes(&self, name: &str, answer: &Answer, bank: &Bank, client: &Client) {
        assert_eq!(answer.status, 200, "{name}: {answer:?}");
        let told = bank.only().identity();
        let (added, told): (Vec<_>, Vec<_>) =
            told.into_iter().partition(|(name, _)| self.adds.contains(&name.as_str()));
        assert_eq!(told, [(self.header.to_ascii_lowercase(), (self.form)(&client.der))], "{name}");
        assert_eq!(added.iter().map(|(name, _)| name).collect::<Vec<_>>(), self.adds, "{name}");
    }

    fn cases(&self) -> Vec<Case<'static>> {
        let pki = Pki::get();
        let mut cases = self.certificates(pki);
        for (forgery, names) in self.forgeries() {
            let forge = |victim: &Client| names.iter().map(|name| (name.clone(), (self.form)(&victim.der))).collect();
            let missing = Expected::Refused(401, "certificate_missing");
            let mismatch = Expected::Refused(401, "binding_mismatch");
            cases.push(case(format!("no certificate, {forgery}"), None, &pki.alice, forge(&pki.alice), missing));
            let name = format!("another client's certificate, {forgery}");
            cases.push(case(name, Some(&pki.mallory), &pki.alice, forge(&pki.alice), mismatch));
            let name = format!("good, {forgery} of another client");
            let passes = Expected::Passes(&pki.alice);
            cases.push(case(name, Some(&pki.alice), &pki.alice, forge(&pki.mallory), passes));
        }
        cases
    }

    /// Certificates that the load balancer lets through, so that certbound has to judge them.
    fn certificates(&self, pki: &'static Pki) -> Vec<Case<'static>> {
        let untrusted = || Expected::Refused(401, "certificate_untrusted");
        // Its issuer is in no truststore, but the client shows it.
        let carol = if self.carries_chain { Expected::Passes(&pki.carol) } else { untrusted() };
        vec![
            case("a foreign authority".to_owned(), Some(&pki.stranger), &pki.stranger, Vec::new(), untrusted()),
            case("an intermediate".to_owned(), Some(&pki.carol), &pki.carol, Vec::new(), carol),
        ]
    }

    /// Header names under which a client can try to show somebody's certificate.
    fn forgeries(&self) -> Vec<(&'static str, Vec<String>)> {
        let exact = self.header.to_owned();
        let (underscores, dots) = (exact.replace('-', "_"), exact.replace('-', "."));
        vec![
            ("nothing forged", Vec::new()),
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

fn case<'a>(
    name: String,
    handshake: Option<&'a Client>,
    token: &'a Client,
    forged: Vec<(String, String)>,
    expected: Expected<'a>,
) -> Case<'a> {
    Case { name, handshake, token, forged, expected }
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
