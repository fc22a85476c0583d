"""Phone numbers of every country's plan as E.164, for rooms that may not import the library that knows the plans."""

import phonenumbers


def e164(written: str, region: str) -> str | None:
    """Return `+551239235555` for a number as it is written in `region` (ISO 3166 code); None where it is none there.

    An extension stands behind `;ext=`. Source: ITU-T E.164, the plans of libphonenumber.
    """
    try:
        number = phonenumbers.parse(written, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    extension = f";ext={number.extension}" if number.extension else ""
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)) + extension
