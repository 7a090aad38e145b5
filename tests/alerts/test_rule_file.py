from __future__ import annotations

import os
import stat
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from emolive import i18n
from emolive.alerts.conditions.emotion import EmotionRule
from emolive.alerts.conditions.overtalk import OvertalkRule
from emolive.alerts.conditions.silence import SilenceRule
from emolive.alerts.conditions.trend import TrendRule
from emolive.alerts.rule_file import (
    check_labels,
    example,
    exposed_secrets,
    load_rules,
    parse_rules,
    save_rules,
)
from emolive.alerts.rules import RuleSet
from emolive.alerts.webhook_settings import Webhook
from emolive.errors import EmoliveError
from emolive.types import Role, Severity
from tests.models import LABELS

EMOTION = '[[rule]]\nname = "Upset"\nkind = "emotion"\nemotions = ["angry"]\nprobability = 0.6\n'
WEBHOOK = '[[webhook]]\nname = "team"\nurl = "https://example.org/x"\n'
SECRET = 'secret = "0123456789abcdef"\n'


@pytest.mark.parametrize("language", i18n.languages())
def test_the_example_is_valid_and_shows_every_kind(language: str) -> None:
    usual = parse_rules(example().encode(), "example.toml")
    i18n.use_language(language)
    text = example()
    i18n.use_language("en")
    rules = parse_rules(text.encode(), "example.toml")
    assert [one.model_dump(exclude={"name"}) for one in rules.rules] == [
        one.model_dump(exclude={"name"}) for one in usual.rules
    ]
    assert {rule.kind for rule in rules.rules} == {"emotion", "trend", "silence", "overtalk"}
    check_labels(rules, LABELS, "tiny")
    # What is commented out is right, too.
    text = text.replace('# webhooks = ["team"]', 'webhooks = ["team"]')
    begin = text.index("# [[webhook]]")
    more = text[begin:].replace("# [[", "[[").replace("\n# ", "\n")
    full = parse_rules((text[:begin] + more).encode(), "example.toml")
    assert full.webhooks[0].secret_env == "EMOLIVE_WEBHOOK_SECRET"
    assert full.rules[0].webhooks == ("team",)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("version = 2", "r.toml: 'version' must be 1, not 2."),
        ("rule = 3", "r.toml: 'rule' must be a list, not 3."),
        ("rules = []", "r.toml: there is no key 'rules'."),
        ('[[rule]]\nname = "A"', "r.toml, rule 1 ('A'): the key 'kind' is missing."),
        (
            '[[rule]]\nname = "A"\nkind = "mood"',
            "r.toml, rule 1 ('A'): 'kind' must be one of emotion, trend, silence, overtalk, "
            "not 'mood'.",
        ),
        (
            EMOTION + '[[rule]]\nkind = "silence"\nlonger_than_s = 3',
            "r.toml, rule 2: the key 'name' is missing.",
        ),
        (EMOTION + "for = 3", "r.toml, rule 1 ('Upset'): there is no key 'for'."),
        (
            EMOTION.replace("0.6", "1.4"),
            "r.toml, rule 1 ('Upset'): 'probability' must be less than or equal to 1, not 1.4.",
        ),
        (
            EMOTION.replace("0.6", "nan"),
            "r.toml, rule 1 ('Upset'): 'probability' must be a finite number, not nan.",
        ),
        (
            EMOTION.replace('["angry"]', "[]"),
            "r.toml, rule 1 ('Upset'): 'emotions' must have an entry.",
        ),
        (
            EMOTION.replace('["angry"]', '["angry", "angry"]'),
            "r.toml, rule 1 ('Upset'): emotions must be named once each.",
        ),
        (
            EMOTION + "release = 0.6",
            "r.toml, rule 1 ('Upset'): release must be below probability (0.6).",
        ),
        (
            EMOTION + 'role = "boss"',
            "r.toml, rule 1 ('Upset'): 'role' must be 'agent' or 'customer', not 'boss'.",
        ),
        (
            EMOTION + 'role = "agent"\nstream = "left"',
            "r.toml, rule 1 ('Upset'): role and stream exclude each other: keep one of them.",
        ),
        (
            EMOTION + 'webhooks = ["team"]',
            "r.toml: rule 'Upset' names the webhook 'team', which is not in the file: "
            "add a [[webhook]] of this name.",
        ),
        (EMOTION * 2, "r.toml: two rules are named 'Upset': give each its own name."),
        (
            '[[rule]]\nname = "O"\nkind = "overtalk"',
            "r.toml, rule 1 ('O'): set either count or seconds.",
        ),
        (
            '[[rule]]\nname = "O"\nkind = "overtalk"\nseconds = 90\nwindow_s = 60',
            "r.toml, rule 1 ('O'): seconds must fit into window_s.",
        ),
        (
            WEBHOOK,
            "r.toml, webhook 1 ('team'): set exactly one of secret, secret_env and secret_file.",
        ),
        (
            WEBHOOK + 'secret = "short"',
            "r.toml, webhook 1 ('team'): must hold a secret of at least 16 bytes.",
        ),
        (
            WEBHOOK.replace("https", "http") + SECRET,
            "r.toml, webhook 1 ('team'): url must be https, because alerts tell about people: "
            "change it, or set allow_http.",
        ),
        (
            WEBHOOK.replace("https", "ftp") + SECRET,
            "r.toml, webhook 1 ('team'): url must be an http or https address.",
        ),
        (
            WEBHOOK.replace("//", "//me:pass@") + SECRET,
            "r.toml, webhook 1 ('team'): url must not hold a password: "
            "the signature tells who sends.",
        ),
        (
            "rule 3",
            "r.toml is not valid TOML: Expected '=' after a key in a key/value pair "
            "(at line 1, column 6).",
        ),
    ],
)
def test_errors_name_file_rule_and_key_in_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(EmoliveError) as caught:
        parse_rules(text.encode(), "r.toml")
    assert str(caught.value) == sentence


def test_several_problems_are_counted() -> None:
    with pytest.raises(EmoliveError, match=r"not 2\.0 \(2 more problems\)\.$"):
        parse_rules((EMOTION.replace("0.6", "2.0") + "a = 1\nb = 2").encode(), "r.toml")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(EmoliveError, match=r"There is no rules file at .*: check the name"):
        load_rules(tmp_path / "none.toml")
    with pytest.raises(EmoliveError, match="cannot be read"):
        load_rules(tmp_path)
    (tmp_path / "latin.toml").write_bytes(b'a = "\xff"')
    with pytest.raises(EmoliveError, match="not UTF-8"):
        load_rules(tmp_path / "latin.toml")
    (tmp_path / "large.toml").write_bytes(b"#" * 1_000_001)
    with pytest.raises(EmoliveError, match="larger than 1 MB"):
        load_rules(tmp_path / "large.toml")


def test_plain_http_on_this_computer_or_when_allowed() -> None:
    for host in ("localhost", "127.0.0.1", "[::1]"):
        Webhook(name="x", url=f"http://{host}:8000/", secret="0123456789abcdef")
    Webhook(name="x", url="http://intranet/", secret="0123456789abcdef", allow_http=True)


def test_secrets_are_looked_up_and_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "https://example.org"
    plain = Webhook(name="x", url=url, secret="0123456789abcdef")
    assert plain.key() == b"0123456789abcdef"
    assert "0123" not in repr(plain)
    coded = Webhook(name="x", url=url, secret="whsec_MDEyMzQ1Njc4OWFiY2RlZg==")
    assert coded.key() == b"0123456789abcdef"
    with pytest.raises(ValidationError):
        Webhook(name="x", url=url, secret="whsec_not base64!")
    env = Webhook(name="x", url=url, secret_env="EMOLIVE_TEST_SECRET")
    with pytest.raises(ValueError, match="the variable EMOLIVE_TEST_SECRET must hold a secret"):
        env.key()
    monkeypatch.setenv("EMOLIVE_TEST_SECRET", "fedcba9876543210")
    assert env.key() == b"fedcba9876543210"
    file = Webhook(name="x", url=url, secret_file=tmp_path / "secret")
    with pytest.raises(ValueError, match="cannot be read from"):
        file.key()
    (tmp_path / "secret").write_text("fedcba9876543210\n")
    assert file.key() == b"fedcba9876543210"


common = {
    "severity": st.sampled_from(Severity),
    "enabled": st.booleans(),
    "dwell_s": st.floats(0, 3600),
    "cool_down_s": st.floats(0, 86_400),
    "desktop": st.booleans(),
}
rule_kinds = st.one_of(
    st.builds(
        EmotionRule,
        name=st.just("e"),
        emotions=st.just(("angry", "sad")),
        role=st.sampled_from([None, *Role]),
        probability=st.floats(0.01, 1),
        **common,
    ),
    st.builds(
        TrendRule,
        name=st.just("t"),
        emotions=st.just(("sad",)),
        stream=st.none() | st.text(min_size=1, max_size=80),
        rise_per_minute=st.floats(0.01, 60),
        **common,
    ),
    st.builds(SilenceRule, name=st.just("s"), longer_than_s=st.floats(1, 3600), **common),
    st.builds(OvertalkRule, name=st.just("o"), count=st.integers(1, 1000), **common),
)


@given(rule=rule_kinds)
def test_what_is_saved_is_loaded(rule: EmotionRule, tmp_path_factory: object) -> None:
    path = Path(tmp_path_factory.getbasetemp()) / "saved.toml"  # type: ignore[attr-defined]
    hook = Webhook(name="team", url="https://example.org/x", secret="0123456789abcdef")
    rules = RuleSet(rules=(rule,), webhooks=(hook,))
    save_rules(rules, path)
    assert load_rules(path) == rules


def test_saving_replaces_whole_and_for_the_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "new" / "rules.toml"
    rules = parse_rules(example().encode(), "example")
    save_rules(rules, path)
    save_rules(RuleSet(), path)
    assert load_rules(path) == RuleSet()
    assert os.listdir(path.parent) == ["rules.toml"]
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(EmoliveError, match="cannot be written"):
        save_rules(rules, path / "below-a-file.toml")


def test_saving_keeps_comments_and_what_is_not_said(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(example(), encoding="utf-8")
    comments = [line for line in example().splitlines() if line.startswith("#")]
    rules = load_rules(path)
    save_rules(rules, path)
    assert path.read_text(encoding="utf-8") == example(), "nothing changed"
    first = rules.rules[0].model_copy(update={"name": "Renamed", "cool_down_s": 7.0})
    louder = rules.rules[1].model_copy(update={"severity": Severity.CRITICAL})
    for order in ((first, *rules.rules[1:]), (*rules.rules[2:], louder, first)):
        changed = rules.model_copy(update={"rules": order})
        save_rules(changed, path)
        assert load_rules(path) == changed
        text = path.read_text(encoding="utf-8")
        assert not [line for line in comments if line not in text.splitlines()]
        assert text.count("dwell_s") <= example().count("dwell_s"), "defaults stay unsaid"


@given(before=st.lists(rule_kinds, max_size=4), after=st.lists(rule_kinds, max_size=4))
def test_whatever_was_there_what_is_saved_is_loaded(
    before: list[EmotionRule], after: list[EmotionRule], tmp_path_factory: object
) -> None:
    path = Path(tmp_path_factory.getbasetemp()) / "twice.toml"  # type: ignore[attr-defined]
    path.unlink(missing_ok=True)
    for rules in (before, after):
        unique = tuple({rule.name: rule for rule in rules}.values())
        save_rules(RuleSet(rules=unique), path)
        assert load_rules(path).rules == unique


@pytest.mark.parametrize("junk", [b"rule = 3", b"\xff\xfe", b"[[rule]", b"[rule]\nname = 1"])
def test_saving_over_a_broken_file_replaces_it(tmp_path: Path, junk: bytes) -> None:
    path = tmp_path / "rules.toml"
    path.write_bytes(junk)
    rules = parse_rules(EMOTION.encode(), "r.toml")
    save_rules(rules, path)
    assert load_rules(path) == rules


def test_rules_are_frozen() -> None:
    rules = parse_rules(EMOTION.encode(), "r.toml")
    with pytest.raises(ValidationError, match="frozen"):
        rules.rules[0].name = "x"


def test_release_defaults_to_three_quarters() -> None:
    assert parse_rules(EMOTION.encode(), "r").rules[0].release_level == pytest.approx(0.45)  # type: ignore[union-attr]


@pytest.mark.skipif(os.name != "posix", reason="no permissions of this kind here")
def test_secrets_that_others_can_read_are_told_with_the_way_out(tmp_path: Path) -> None:
    path, elsewhere = tmp_path / "my rules.toml", tmp_path / "secret"
    path.write_text(f"""
        version = 1
        [[webhook]]
        name = "a"
        url = "https://a.example"
        secret = "{"x" * 20}"
        [[webhook]]
        name = "b"
        url = "https://b.example"
        secret_file = "{elsewhere}"
    """)
    elsewhere.write_text("y" * 20)
    rules = load_rules(path)
    for mode, files in ((0o644, 2), (0o640, 2), (0o600, 0)):
        path.chmod(mode)
        elsewhere.chmod(mode)
        assert len(exposed_secrets(rules, path)) == files
    path.chmod(0o604)
    (sentence,) = exposed_secrets(rules, path)
    assert sentence.endswith(f"run `chmod 600 '{path}'`.")
    save_rules(rules, path)
    assert exposed_secrets(load_rules(path), path) == []


def test_rules_without_a_secret_may_be_read_by_all(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(example())
    path.chmod(0o644)
    assert exposed_secrets(load_rules(path), path) == []


@pytest.mark.parametrize(
    "text",
    [
        ".".join(["a"] * 30_000) + " = 1",
        '[ "a" . ' + " . ".join(["'b'"] * 30_000) + "]",
        "x = {" + ".".join(["a"] * 5_000) + " = 1}",
        "x = " + "[" * 100_000,
        "x = " + "{y = " * 50_000,
        "x = " + "9" * 100_000,
        'x = "' + "y" * 900_000 + '"',
        f'[[rule]]\nname = "Upset"\nkind = "{"k" * 900_000}"\n',
        "k" * 900_000 + " = 1",
    ],
)
def test_hostile_sizes_are_one_short_sentence(text: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(EmoliveError) as caught:
            parse_rules(text.encode(), "rules.toml")
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()
    assert len(str(caught.value)) < 600


def test_dots_and_brackets_in_texts_and_comments_nest_nothing() -> None:
    words = "..." * 50 + "a.b" * 40 + "[{" * 40
    text = f"""{EMOTION}message = "{words} \\" {words}" # it's {words}\n"""
    with pytest.raises(EmoliveError, match="there is no key 'message'"):
        parse_rules(text.encode(), "rules.toml")


@pytest.mark.skipif(os.name != "posix", reason="no permissions of this kind here")
def test_the_address_of_a_chat_is_a_secret(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text('[[webhook]]\nname = "c"\nurl = "https://c.example/x"\nformat = "slack"\n')
    path.chmod(0o644)
    assert len(exposed_secrets(load_rules(path), path)) == 1
