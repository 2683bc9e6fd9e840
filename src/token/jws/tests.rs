#![expect(clippy::unwrap_used, reason = "tests state what they need")]

use proptest::prelude::proptest;

use super::*;

fn token(header: &str) -> String {
    format!("{}.e30.AA", BASE64URL.encode(header))
}

fn refuse(token: &str) {
    assert!(Jws::parse(token, &mut Vec::new()).is_err(), "{token}");
}

#[test]
fn three_parts_are_taken_apart() {
    let token = token(r#"{"alg":"ES256","kid":"1","typ":"Application/AT+JWT","jwk":{},"x5u":"http://a"}"#);
    let mut room = Vec::new();
    let jws = Jws::parse(&token, &mut room).unwrap();
    assert_eq!((&*jws.header.algorithm, jws.header.kid.as_deref()), ("ES256", Some("1")));
    assert_eq!(jws.header.typ.as_deref(), Some("at+jwt"));
    assert_eq!((jws.payload, jws.signature), (b"{}".as_slice(), [0].as_slice()));
    assert_eq!(Some(jws.signed), token.as_bytes().strip_suffix(b".AA"));
}

#[test]
fn anything_but_three_parts_of_canonical_base64url_is_refused() {
    let header = BASE64URL.encode(r#"{"alg":"ES256"}"#);
    assert!(Jws::parse(&format!("{header}.e30."), &mut Vec::new()).is_ok());
    for rest in [
        "",
        ".e30",
        ".e30.AA.",
        ".e30.AA.AA.AA",
        ".e30=.AA",
        ".e30.AA==",
        ".e30.AB",
        ".e31.AA",
        ".e30.A",
        ".e3+.AA",
        ".e3/.AA",
        ".e30.A A",
        ".e30.AA\n",
    ] {
        refuse(&format!("{header}{rest}"));
    }
    for token in ["", ".", "..", "opaque", "e30.e30.AA", "bnVsbA.e30.AA"] {
        refuse(token);
    }
}

#[test]
fn first_that_is_wrong_answers() {
    let encode = |header: &str| BASE64URL.encode(header);
    let check = |header: &str, rest: &str, why: &str| {
        let token = format!("{header}.{rest}");
        assert_eq!(Jws::parse(&token, &mut Vec::new()).err(), Some(why), "{token}");
    };
    check("!", "!.!", "the header is not base64url");
    check(&encode("[]"), "!.!", "the header is not one JSON object with each member once");
    check(&encode(r#"{"crit":[],"kid":1,"typ":1}"#), "!.!", "the header has a critical extension");
    check(&encode(r#"{"kid":1,"typ":1}"#), "!.!", "the header has no `alg`");
    check(&encode(r#"{"alg":"ES256","kid":1,"typ":1}"#), "!.!", "`kid` is not a string");
    check(&encode(r#"{"alg":"ES256","typ":1}"#), "!.!", "`typ` is not a string");
    check(&encode(r#"{"alg":"ES256"}"#), "!.!", "the payload is not base64url");
    check(&encode(r#"{"alg":"ES256"}"#), "e30.!", "the signature is not base64url");
}

#[test]
fn header_is_one_object_with_each_member_once_and_nothing_critical() {
    for header in [
        "",
        "[]",
        "{",
        "{}",
        "{}{}",
        r#"{"alg":null}"#,
        r#"{"alg":["ES256"]}"#,
        r#"{"alg":"ES256","alg":"ES256"}"#,
        r#"{"alg":"none","\u0061lg":"ES256"}"#,
        r#"{"alg":"ES256","kid":1}"#,
        r#"{"alg":"ES256","kid":null}"#,
        r#"{"alg":"ES256","typ":1}"#,
        r#"{"alg":"ES256","x":1,"x":2}"#,
        r#"{"alg":"ES256","crit":["exp"]}"#,
        r#"{"alg":"ES256","crit":[]}"#,
        r#"{"alg":"ES256","crit":null}"#,
        r#"{"alg":"ES256","b64":false}"#,
    ] {
        refuse(&token(header));
    }
}

#[test]
fn type_is_compared_without_case_and_application() {
    for (typ, expected) in
        [("JWT", "jwt"), ("at+jwt", "at+jwt"), ("APPLICATION/at+JWT", "at+jwt"), ("text/at+jwt", "text/at+jwt")]
    {
        assert_eq!(&*media_type(typ), expected);
    }
}

proptest! {
    #[test]
    fn any_text_is_judged_without_panic(token: String) {
        let _ = Jws::parse(&token, &mut Vec::new());
    }

    #[test]
    fn any_header_and_payload_are_judged_without_panic(header: Vec<u8>, payload: Vec<u8>, signature: Vec<u8>) {
        let encode = |part: &[u8]| BASE64URL.encode(part);
        let token = format!("{}.{}.{}", encode(&header), encode(&payload), encode(&signature));
        let _ = Jws::parse(&token, &mut Vec::new());
    }

    #[test]
    fn any_json_header_is_judged_without_panic(
        header in r#"\{("(alg|kid|typ|crit)":("[A-Z0-9]{0,5}"|[0-9]|null|\[\])?,?){0,4}\}"#
    ) {
        let _ = Jws::parse(&token(&header), &mut Vec::new());
    }
}

#[test]
fn neither_white_space_nor_parts_make_a_jwt_opaque() {
    for header in [r#"{"alg":"ES256"}"#, " \t\r\n{\"alg\":\"ES256\"}"] {
        assert!(Jws::is_one(&format!("{}.e30.AA", BASE64URL.encode(header))), "{header:?}");
    }
    assert!(!Jws::is_one(&format!("{}.e30.AA", BASE64URL.encode("[]"))));
    for (header, is_one) in [(r#"{"alg":"ES256"}"#, true), (r#"{"alg":"dir","enc":"A256GCM"}"#, false)] {
        assert_eq!(Jws::is_one(&format!("{}.e30.AA.AA.AA", BASE64URL.encode(header))), is_one, "{header}");
    }
}
