"""Checkpoints as C2SP signed notes: published examples, and every way a note can be wrong."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from custody.errors import InputError, MalformedFileError
from custody.ledger.checkpoint import (
    Checkpoint,
    VerifierKey,
    note_text,
    open_note,
    parse_signer,
    read_and_verify,
    sign,
    sign_note,
    signer_text,
)

# The example of the Go note package, which is what the C2SP specification wrote down.
PETER_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
PETER_SIGNER = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
PETER_VERIFIER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_NOTE = (
    f"{PETER_TEXT}\n\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)

NAME = "custody.example/demo"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
VERIFIER = VerifierKey.of(NAME, KEY)
WITNESS = VerifierKey.of("witness.example/qa", OTHER_KEY)
CHECKPOINT = Checkpoint(NAME, 20_852_163, bytes(range(32)))
NOTE = sign(CHECKPOINT, NAME, KEY)


def signature_line(name, data):
    return f"\u2014 {name} {base64.b64encode(data).decode()}\n"


def signed(text):
    return sign_note(text, NAME, KEY)


def test_published_note_is_opened_and_written_byte_for_byte():
    assert open_note(PETER_NOTE, [VerifierKey.parse(PETER_VERIFIER)]) == PETER_TEXT
    name, private_key = parse_signer(PETER_SIGNER)
    assert name == "PeterNeumann"
    assert sign_note(PETER_TEXT, name, private_key) == PETER_NOTE


def test_published_keys_are_read_and_written_byte_for_byte():
    assert str(VerifierKey.parse(PETER_VERIFIER)) == PETER_VERIFIER
    name, private_key = parse_signer(PETER_SIGNER)
    assert signer_text(name, private_key) == PETER_SIGNER
    assert VerifierKey.of(name, private_key) == VerifierKey.parse(PETER_VERIFIER)


def test_checkpoint_text_is_the_example_of_the_specification():
    root = base64.b64decode("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=")
    text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    assert note_text(Checkpoint("example.com/behind-the-sofa", 20_852_163, root)) == text


@pytest.mark.parametrize("size", [0, 1, 10, 2**63 - 1])
def test_a_signed_checkpoint_is_read_back(size):
    checkpoint = Checkpoint(NAME, size, bytes(32))
    assert read_and_verify(sign(checkpoint, NAME, KEY), [VERIFIER]) == checkpoint


def test_a_signed_checkpoint_fits_a_printed_code():
    assert len(NOTE.encode()) < 250


def test_signatures_of_others_are_passed_over():
    line = NOTE.partition("\n\n")[2]
    cosigned = sign(CHECKPOINT, WITNESS.name, OTHER_KEY)
    assert read_and_verify(cosigned + line, [VERIFIER]) == CHECKPOINT
    assert read_and_verify(cosigned + line, [WITNESS, VERIFIER]) == CHECKPOINT
    timestamped = signature_line("witness.example/other", b"\x01\x02\x03\x04" + bytes(72))
    assert read_and_verify(NOTE + timestamped, [VERIFIER]) == CHECKPOINT


def test_the_same_signature_twice_is_one_signature():
    assert read_and_verify(NOTE + NOTE.partition("\n\n")[2], [VERIFIER]) == CHECKPOINT


def test_extension_lines_are_passed_over():
    assert read_and_verify(signed(note_text(CHECKPOINT) + "opaque\n"), [VERIFIER]) == CHECKPOINT


def test_a_note_without_a_known_signer_is_refused():
    with pytest.raises(InputError, match=rf"no signature by a known key \(known: witness\.example/qa\+{WITNESS.key_id.hex()}\)"):
        read_and_verify(NOTE, [WITNESS])
    with pytest.raises(InputError, match=r"no signature by a known key \(known: none is given\)"):
        read_and_verify(NOTE, [])


def test_another_key_under_the_same_name_is_not_known():
    with pytest.raises(InputError, match="no signature by a known key"):
        read_and_verify(NOTE, [VerifierKey.of(NAME, OTHER_KEY)])


def test_the_same_key_under_another_name_is_not_known():
    with pytest.raises(InputError, match="no signature by a known key"):
        read_and_verify(NOTE, [VerifierKey.of("custody.example/other", KEY)])


@pytest.mark.parametrize("changed", [NOTE.replace("20852163", "20852164"), NOTE.replace("demo\n2", "dem0\n2")])
def test_a_changed_text_does_not_fit_the_signature(changed):
    with pytest.raises(InputError, match="does not fit this note"):
        read_and_verify(changed, [VERIFIER])


def test_a_wrong_signature_is_refused_even_beside_a_right_one():
    wrong = signature_line(NAME, VERIFIER.key_id + bytes(64))
    for note in (NOTE + wrong, sign(CHECKPOINT, WITNESS.name, OTHER_KEY) + wrong):
        with pytest.raises(InputError, match="does not fit this note"):
            read_and_verify(note, [VERIFIER, WITNESS])


def test_a_signature_cut_short_is_refused():
    with pytest.raises(InputError, match="does not fit this note"):
        read_and_verify(note_text(CHECKPOINT) + "\n" + signature_line(NAME, VERIFIER.key_id + b"\x01"), [VERIFIER])


TEXT = note_text(CHECKPOINT)


@pytest.mark.parametrize(
    ("note", "reason"),
    [
        ("", "a note is text"),
        ("\n\n", "a note is text"),
        (TEXT, "a note is text"),
        (TEXT + "\n", "a note is text"),
        (NOTE[:-1], "a note is text"),
        (NOTE.replace("\n", "\r\n"), "control character"),
        (NOTE.replace("demo", "de\tmo"), "control character"),
        (NOTE.replace("demo", "de\ud800mo"), "control character"),
        pytest.param(NOTE + "x" * 1_000_000, "at most 1000000", id="long"),
        pytest.param(NOTE + NOTE.partition("\n\n")[2] * 100, "at most 100 signatures, this has 101", id="many signatures"),
        (NOTE.replace("\u2014 ", "- "), "em dash"),
        (NOTE.replace("\u2014 ", "\u2014"), "em dash"),
        (NOTE + "\n", "a note is text"),
        (NOTE + "x\n", "em dash"),
        (NOTE + "\u2014 name\n", "em dash"),
        (NOTE + "\u2014  AAAA\n", "em dash"),
        (NOTE + "\u2014 a+b AAAAAAA=\n", "em dash"),
        (NOTE + "\u2014 a\u00a0b AAAAAAA=\n", "em dash"),
        (NOTE + "\u2014 a AAAA AAAA\n", "a signature is not base64"),
        (NOTE + "\u2014 a AAAAAAA\n", "a signature is not base64"),
        (NOTE + "\u2014 a AAAAAAB=\n", "a signature is not base64"),
        (NOTE + "\u2014 a \u00e9\n", "a signature is not base64"),
        (NOTE + "\u2014 a AAAAAA==\n", "this has 4 bytes"),
        (NOTE + "\u2014 a \n", "this has 0 bytes"),
        (signed("\n"), "lines origin, size and root"),
        (signed("a\n1\n"), "lines origin, size and root"),
        (signed(f"\n1\n{TEXT.splitlines()[2]}\n"), "lines origin, size and root"),
        (signed(TEXT + "\n"), "lines origin, size and root"),
        (signed(TEXT.replace("20852163", "-1")), "second line"),
        (signed(TEXT.replace("20852163", "+1")), "second line"),
        (signed(TEXT.replace("20852163", "01")), "second line"),
        (signed(TEXT.replace("20852163", "1 ")), "second line"),
        (signed(TEXT.replace("20852163", "1_0")), "second line"),
        (signed(TEXT.replace("20852163", "\u0661")), "second line"),
        pytest.param(signed(TEXT.replace("20852163", "9" * 5000)), "second line", id="5000 digits"),
        (signed(TEXT.replace("20852163", "9" * 19)), "size of a checkpoint is a number"),
        (signed(TEXT.replace("=", "")), "root of a checkpoint is not base64"),
        (signed("a\n1\nAAAA\n"), "root of a checkpoint has 32 bytes"),
    ],
)
def test_what_is_no_checkpoint_note_is_malformed(note, reason):
    with pytest.raises(MalformedFileError, match=reason):
        read_and_verify(note, [VERIFIER])


@given(st.integers(0, len(NOTE) - 1), st.characters())
def test_no_changed_character_is_overlooked(at, character):
    changed = NOTE[:at] + character + NOTE[at + 1 :]
    if changed == NOTE:
        return
    with pytest.raises(InputError, match=r"."):
        read_and_verify(changed, [VERIFIER])


@pytest.mark.parametrize("note", ["\x00", "no newline", "tab\t\n", "\ud800\n", ""])
def test_text_that_cannot_be_a_note_is_not_signed(note):
    with pytest.raises(InputError, match="the text of a note"):
        sign_note(note, NAME, KEY)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "a\x01b", "a\u2003b", "\ud800"])
def test_a_name_that_cannot_stand_in_a_note_is_refused(name):
    with pytest.raises(InputError, match="the name of a note key"):
        sign_note(PETER_TEXT, name, KEY)


@pytest.mark.parametrize(
    ("origin", "size", "root", "reason"),
    [
        ("", 1, bytes(32), "origin"),
        ("a\nb", 1, bytes(32), "origin"),
        ("\ud800", 1, bytes(32), "origin"),
        (NAME, -1, bytes(32), "size"),
        (NAME, 2**63, bytes(32), "size"),
        (NAME, True, bytes(32), "size"),
        (NAME, 1, bytes(31), "root"),
        (NAME, 1, "x" * 32, "root"),
    ],
)
def test_a_checkpoint_that_no_note_can_say_is_refused(origin, size, root, reason):
    with pytest.raises(InputError, match=f"the {reason} of a checkpoint"):
        Checkpoint(origin, size, root)


@pytest.mark.parametrize("public_key", [b"", bytes(31), bytes(33), "x" * 32])
def test_a_public_key_has_32_bytes(public_key):
    with pytest.raises(InputError, match="32 bytes"):
        VerifierKey(NAME, public_key)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "a name, the key id"),
        ("PeterNeumann", "a name, the key id"),
        ("PeterNeumann+c74f20a3", "a name, the key id"),
        (PETER_VERIFIER.replace("c74f", "C74F"), "a name, the key id"),
        (PETER_VERIFIER.replace("c74f20a3", "c74f20a"), "a name, the key id"),
        (PETER_VERIFIER.replace("Peter", ""), "says key id c74f20a3"),
        (PETER_VERIFIER.replace("PeterNeumann", ""), "a name, the key id"),
        (PETER_VERIFIER.replace("c74f20a3", "c74f20a4"), "but its name and key give c74f20a3"),
        (PETER_VERIFIER.replace("ARpc", "AhpC"), "no other type is read"),
        (PETER_VERIFIER[:-4], "no other type is read"),
        (PETER_VERIFIER[:-1], "not base64"),
    ],
)
def test_a_malformed_verifier_key_is_refused(text, reason):
    with pytest.raises(MalformedFileError, match=reason):
        VerifierKey.parse(text)


def test_a_malformed_signer_key_is_refused_without_showing_it():
    for text, reason in (
        (PETER_VERIFIER, "begins with"),
        (PETER_SIGNER[:-1], "not base64"),
        (PETER_SIGNER.replace("c74f20a3", "00000000"), "key id"),
    ):
        with pytest.raises(MalformedFileError, match=reason) as refused:
            parse_signer(text)
        assert "AYEKFALV" not in str(refused.value)
