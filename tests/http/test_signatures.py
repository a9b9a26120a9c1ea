import hashlib
import hmac

from gameserver.http.signatures import signature


def test_a_signature_is_what_the_document_says() -> None:
    body = b'{"source":"pos"}'
    signed = b"1789990000\nPOST\n/api/points/events\n" + hashlib.sha256(body).hexdigest().encode()
    expected = hmac.new(b"a secret", signed, "sha256").hexdigest()
    assert signature("a secret", "1789990000", "POST", "/api/points/events", body) == expected
    # computed once with `openssl dgst -sha256 -hmac`
    assert expected == "bace3281e816ea8f4b2d2852104000d346d0120022c98bf57481aeadf37ea37a"
