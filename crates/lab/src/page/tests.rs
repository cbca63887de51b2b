use super::{Backend, SCRIPTS, html};

#[test]
fn the_page_holds_everything_and_loads_nothing() {
    let page = html(Backend::Http);
    for place in ["{{", "<link rel=\"stylesheet\"", "src=\"", "@import", " url(", ":url("] {
        assert!(!page.contains(place), "{place}");
    }
    assert!(page.contains("connect-src 'self'"));
    for script in SCRIPTS {
        assert!(page.contains(script));
    }
}

#[test]
fn a_module_stands_in_the_page_and_may_ask_nobody() {
    let page = html(Backend::Wasm(b"\x1f\x8bmodule"));
    assert!(page.contains("data-backend=\"wasm\">H4ttb2R1bGU=</script>"), "in base64");
    let policy =
        page.split("Content-Security-Policy\" content=\"").nth(1).and_then(|rest| rest.split('"').next());
    let policy = policy.expect("it has a policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("'wasm-unsafe-eval'"), "{policy}");
    assert!(!policy.contains("connect-src"), "{policy}");
}
