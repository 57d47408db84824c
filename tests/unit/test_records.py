"""The records of the data model, parsed directly from items as boto3 gives them."""

from decimal import Decimal

import pytest
from pydantic import ValidationError

from domain.errors import CorruptRecord
from domain.records import License
from tests.support.records import ATTRIBUTES, OPTIONAL, RECORDS, STORABLE, Record, is_valid

VALUES = [*STORABLE, Decimal("9e125"), Decimal("NaN"), Decimal("Infinity"), 1.5, set(), ("BTC",)]


@pytest.mark.parametrize(("record", "attribute"), ATTRIBUTES)
@pytest.mark.parametrize("value", VALUES)
def test_a_record_is_corrupt_if_and_only_if_a_value_is_not_valid(
    record: Record, attribute: str, value: object
) -> None:
    item = RECORDS[record] | {attribute: value}
    if is_valid(attribute, value):
        assert record.parse(item).model_dump(by_alias=True)[attribute] == value
    else:
        with pytest.raises(CorruptRecord, match=f"^{record.__name__}: {attribute}: "):
            record.parse(item)


@pytest.mark.parametrize(("record", "attribute"), ATTRIBUTES)
def test_a_record_may_lack_an_optional_attribute_and_no_other(
    record: Record, attribute: str
) -> None:
    item = {name: value for name, value in RECORDS[record].items() if name != attribute}
    if attribute in OPTIONAL:
        record.parse(item)
    else:
        with pytest.raises(CorruptRecord, match=attribute):
            record.parse(item)


@pytest.mark.parametrize("record", RECORDS)
def test_an_attribute_that_the_data_model_does_not_list_is_ignored(
    record: Record,
) -> None:
    assert record.parse(RECORDS[record] | {"since": b"x"}) == record.parse(RECORDS[record])


def test_a_name_with_a_lone_surrogate_is_corrupt_if_unknown_names_are() -> None:
    class Loaded(License, extra="forbid"):
        """As the records of a file to load."""

    with pytest.raises(CorruptRecord, match=r"^Loaded: a name: "):
        Loaded.parse({"status": "active", "\ud800": 1})


def test_a_record_without_expires_at_never_expires() -> None:
    assert License.parse({"status": "active"}).expires_at == Decimal("Infinity")


def test_a_record_cannot_be_changed() -> None:
    record = License.parse({"status": "inactive"})
    with pytest.raises(ValidationError):
        record.status = "active"  # type: ignore[misc] # -- the test needs a wrong assignment


def test_the_error_names_every_fault_of_a_record() -> None:
    with pytest.raises(CorruptRecord, match=r"^License: status: .+; expiresAt: [^;]+$"):
        License.parse({"status": "perhaps", "expiresAt": Decimal(-1)})
