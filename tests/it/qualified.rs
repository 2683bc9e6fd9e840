//! What a certificate says of its holder's licence (eIDAS, PSD2), and what is demanded of it.

use serde_json::json;

use crate::{
    support::{
        bank::Bank,
        config::Config,
        pki::{Client, Pki},
        qualified::{ACCOUNTS, PAYMENTS, compliance, kind, psd2, statements},
    },
    verdict::{assert_passed, assert_refused},
};

/// A certificate that makes these statements; without any, one without the extension.
fn stating(made: &[Vec<u8>]) -> Client {
    Pki::get().issuing.issue("tpp", |params| {
        if !made.is_empty() {
            params.custom_extensions.push(statements(made));
        }
    })
}

fn bafin(roles: &[(u8, &str)]) -> Vec<u8> {
    psd2(roles, "BaFin", "DE-BAFIN")
}

/// A QWAC for account information.
fn qwac() -> Client {
    stating(&[compliance(), kind(WEB), bafin(&[ACCOUNTS])])
}

/// Statements that are none: a role by the name of another, two PSD2 statements, an authority without a country.
fn malformed() -> [Client; 3] {
    [
        stating(&[compliance(), kind(WEB), bafin(&[(3, "PSP_PI")])]),
        stating(&[compliance(), kind(WEB), bafin(&[ACCOUNTS]), bafin(&[PAYMENTS])]),
        stating(&[compliance(), kind(WEB), psd2(&[ACCOUNTS], "BaFin", "BAFIN")]),
    ]
}

const SEAL: u8 = 2;
const WEB: u8 = 3;

/// Each client in turn, with the code of the refusal; none for whom passes.
#[track_caller]
fn check(config: &Config, bank: &Bank, expected: &[(&Client, Option<&str>)]) {
    let sidecar = config.start();
    for (client, code) in expected {
        let answer = sidecar.get("/a").by(client).send();
        match code {
            None => drop(assert_passed(&answer, bank)),
            Some(code) => assert_refused(&answer, code, bank),
        }
    }
}

#[test]
fn psd2_statement_is_demanded_where_that_is_configured() {
    let bank = Bank::start();
    let config = Config::in_front_of(&bank).set("eidas.require", r#""psd2""#);
    let [misnamed, twice, countryless] = malformed();
    check(
        &config,
        &bank,
        &[
            (&qwac(), None),
            (&stating(&[bafin(&[ACCOUNTS, PAYMENTS])]), None),
            (&stating(&[bafin(&[(99, "PSP_XX")])]), None),
            (&stating(&[compliance(), kind(WEB)]), Some("certificate_not_qualified")),
            (&stating(&[]), Some("certificate_not_qualified")),
            (&misnamed, Some("certificate_not_qualified")),
            (&twice, Some("certificate_not_qualified")),
            (&countryless, Some("certificate_not_qualified")),
        ],
    );
}

#[test]
fn qwac_is_demanded_where_that_is_configured() {
    let bank = Bank::start();
    let config = Config::in_front_of(&bank).set("eidas.require", r#""qwac""#);
    check(
        &config,
        &bank,
        &[
            (&qwac(), None),
            (&stating(&[kind(WEB), bafin(&[ACCOUNTS])]), Some("certificate_not_qualified")),
            (&stating(&[compliance(), bafin(&[ACCOUNTS])]), Some("certificate_not_qualified")),
            (&stating(&[compliance(), kind(SEAL), bafin(&[ACCOUNTS])]), Some("certificate_not_qualified")),
            (&stating(&[compliance(), kind(WEB)]), Some("certificate_not_qualified")),
            (&stating(&[]), Some("certificate_not_qualified")),
        ],
    );
}

#[test]
fn authority_that_is_not_listed_is_refused() {
    let bank = Bank::start();
    let config = Config::in_front_of(&bank).set("eidas.require", r#""psd2""#);
    let config = config.set("eidas.authorities", r#"["DE-BAFIN", "FR-ACPR"]"#);
    check(
        &config,
        &bank,
        &[
            (&qwac(), None),
            (&stating(&[psd2(&[ACCOUNTS], "ACPR", "FR-ACPR")]), None),
            (&stating(&[psd2(&[ACCOUNTS], "DE-BAFIN", "PL-PFSA")]), Some("authority_not_allowed")),
            (&stating(&[]), Some("certificate_not_qualified")),
        ],
    );
}

#[test]
fn role_is_demanded_by_the_route() {
    let bank = Bank::start();
    let config = Config::in_front_of(&bank).route("path = \"/a\"\nroles = [\"PSP_AI\", \"PSP_IC\"]");
    let [misnamed, twice, countryless] = malformed();
    check(
        &config,
        &bank,
        &[
            (&qwac(), None),
            (&stating(&[bafin(&[PAYMENTS, ACCOUNTS])]), None),
            (&stating(&[bafin(&[(4, "PSP_IC")])]), None),
            (&stating(&[bafin(&[PAYMENTS])]), Some("role_missing")),
            (&stating(&[bafin(&[(99, "PSP_XX")])]), Some("role_missing")),
            (&stating(&[]), Some("role_missing")),
            (&misnamed, Some("certificate_not_qualified")),
            (&twice, Some("certificate_not_qualified")),
            (&countryless, Some("certificate_not_qualified")),
        ],
    );
}

#[test]
fn statements_count_only_where_they_are_demanded() {
    let bank = Bank::start();
    let [misnamed, twice, countryless] = malformed();
    check(
        &Config::in_front_of(&bank),
        &bank,
        &[(&misnamed, None), (&twice, None), (&countryless, None), (&Pki::get().alice, None)],
    );
    let elsewhere =
        Config::in_front_of(&bank).route("path = \"/b\"\nroles = [\"PSP_AI\"]").route("path = \"/{*rest}\"");
    check(&elsewhere, &bank, &[(&misnamed, None), (&Pki::get().alice, None)]);
}

#[test]
fn bank_reads_roles_that_were_proven() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank).set("backend.headers", r#"{ "X-Roles" = "{certificate.roles}" }"#).start();
    let roles = |client: &Client| {
        let request = sidecar.get("/a").by(client).header("X-Roles", "PSP_AS").header("x_roles", "PSP_AS");
        assert_passed(&request.send(), &bank).header("x-roles").map(str::to_owned)
    };

    let of_two = roles(&stating(&[bafin(&[ACCOUNTS, PAYMENTS])]));
    let of_none = roles(&Pki::get().alice);
    let of_malformed = malformed().map(|client| roles(&client));

    assert!(of_two.as_deref().is_some_and(|roles| roles.contains("PSP_AI") && roles.contains("PSP_PI")), "{of_two:?}");
    assert_eq!((of_none, of_malformed), (None, [None, None, None]));
}

#[test]
fn line_of_the_audit_names_roles_and_organization_also_when_they_do_not_do() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank).route("path = \"/a\"\nroles = [\"PSP_PI\"]").start();

    assert_refused(&sidecar.get("/a").by(&qwac()).send(), "role_missing", &bank);

    let line = sidecar.audit(1).remove(0);
    assert_eq!((&line["decision"], &line["reason"]), (&"deny".into(), &"role_missing".into()));
    assert_eq!(line["certificate"]["roles"], json!(["PSP_AI"]));
    assert_eq!(line["certificate"]["organization_identifier"], "PSDDE-BAFIN-123456");
}

#[test]
fn certificate_that_is_not_qualified_goes_on_without_any_identity_in_report_mode() {
    let bank = Bank::start();
    let config = Config::in_front_of(&bank).set("eidas.require", r#""psd2""#);
    let sidecar = config.set("mode", r#""report""#).start();

    let seen = assert_passed(&sidecar.get("/a").by(&stating(&[])).send(), &bank);

    assert!(seen.identity().is_empty(), "{:?}", seen.identity());
    assert_eq!(sidecar.audit(1)[0]["reason"], "certificate_not_qualified");
}
