"""Checkpoints as public logs served them on 2026-09-27, with the keys that stand for them in Chrome's list of logs."""

import base64

from governance.pki.ct.logs import Log, log_id_of


def _log(origin: str, operator: str, key: str) -> Log:
    der = base64.b64decode(key)
    url = f"https://{origin}/"
    return Log(log_id=log_id_of(der), key_der=der, description=origin, operator=operator, submission_url=url)


# TesseraCT, with the signatures of two witnesses.
PARCELYARD = _log(
    "parcelyard2027h1.prod.certificate.transparency.goog",
    "Google",
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEX7i7gYwmBxpiLXAlM/VLk4BFzspJ"
    "RmZA86iReO7NVRlwGL1KWb/Dv5DRXJNBZd+9uREkNUTee5yBy2dRdRGa0w==",
)
PARCELYARD_HEAD = """\
parcelyard2027h1.prod.certificate.transparency.goog
76945433
aLrEkUfbJl69gSbtjmVlIkEgfmt2pyRFOus3Ok11CvY=

— parcelyard2027h1.prod.certificate.transparency.goog DjOtSwAAAaDk3vEJBAMASDBGAiEAvEL9EMmO0QrH251zBTdVqpg/7DMaP1itvsw9ziAKrvsCIQCcm5wcSakHI2/yzKw5sTn1Z0mVpYMVLnw0iND/ZZd7ug==
— parcelyard2027h1.prod.certificate.transparency.goog Thp9QfF5qs0r10G/ruOml5yh5ejd9RiSsnWoMuO/WRlnfQcT0bTxUbWfAad4uMQ71h3ILd927FmPNrycUkM0CN2E+AY=
— witness.navigli.sunlight.geomys.org o+AP4gAAAABquZEjEuhOK3exlbFuwcj0XOlcyOiTRsHmMr/hGdS81yeWn27f8RUyEqTUMkxj79vZ5zXi5DiVG2qRS9wBkqYrs98xDg==
— witness.stagemole.eu Z/euoAAAAABquZEjpd+HnYSiDAIxVx35uVGJomodmajkMTVsMP62tH0pEnkX3PvO7PpOs7J1DbgTkWY3kZaLGSWlNyGRe6ASwNnFDg==
"""  # noqa: E501 - a line that is signed is not broken

# An origin with a path, and one signature.
LUOSHU = _log(
    "luoshu2027.trustasia.com/luoshu2027",
    "TrustAsia",
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEumSYzy6dUQlwTckPzKMKApMRinqx"
    "HIBlLfmrvx1SdMH1RTACi1wb1V18ss8YjlaC7Pch2OQa8OfRevub4Y9BDQ==",
)
LUOSHU_HEAD = """\
luoshu2027.trustasia.com/luoshu2027
160598866
DfULSj6IAG8XzGvRpIZqo4aMYNTjtFQaAtnVetOJ1kY=

— luoshu2027.trustasia.com/luoshu2027 n3HrngAAAaDk3vhFBAMASDBGAiEAxuE1vjRNGMeVNXFA27fEn+Y+0h9pEhbAbLuBJN6l5w4CIQC8uFSOOstuSunJIRq9tfLEC4vOkuHuZEi283MDF0jEDg==
"""  # noqa: E501

# Sunlight, which adds lines of rubbish before its signature, so that readers learn to pass over what they do not know.
ESZIGNO = _log(
    "eszigno2026h2.log.ct.e-szigno.hu",
    "Microsec",
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEvBcE01QW9mpuRViHPCs6zNADkGj+"
    "nIM9hHSdqBlWPNIOZDr9Zb9hhUTB/9W5eqRlfynSmrnl1AKTPF836w3J6g==",
)
ESZIGNO_HEAD = """\
eszigno2026h2.log.ct.e-szigno.hu
1780903
x/xfCE0T8I1bfXvMuW6QdWfWtVOwdNtxfzVPpCDFw5s=

— eszigno2026h2.log.ct.e-szigno.hu 5VGbgdeyCE+cp55RjQ8mU6YylNASG0wH74fzhxZnjO0tk2f+N37RNxATtaDxDm6Z7AYgqumQNihAwpaVNZFtMDivb0E=
— grease.invalid E12xIPHfT20J
— eszigno2026h2.log.ct.e-szigno.hu TCWoJltamx0UvfNDfRcquhBi+3hj/pPPOTpcXc+NIP2iDOBvrigboSl6RSn6hbs1IHWHCxix70daWq9M5DNCwGUyZQE=
— eszigno2026h2.log.ct.e-szigno.hu Ktn7PgAAAaDk4sm1BAMARzBFAiB6TcGxskEnIjjYtlTFceZKHdLgK6hxvRnXlkvu0drrJwIhAJ8QcC439e10s3C5Dc0HXn738j45nWV2uPQejxjFTlz4
"""  # noqa: E501

HEADS = [(PARCELYARD, PARCELYARD_HEAD), (LUOSHU, LUOSHU_HEAD), (ESZIGNO, ESZIGNO_HEAD)]
