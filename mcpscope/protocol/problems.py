"""The words for what is wrong with a message; they are recorded as marks and shown as they are."""

from __future__ import annotations

from enum import StrEnum


class Problem(StrEnum):
    """One finding about a message.

    The first group makes a message malformed, the second leaves it readable, the third is found only by
    ``protocol.strict``, which costs more.
    """

    NOT_JSON = "not-json"
    NOT_AN_OBJECT = "not-an-object"
    NOT_RPC = "not-json-rpc"
    TOO_DEEP = "too-deep"

    BATCH = "batch"
    EMPTY_BATCH = "empty-batch"
    NESTED_BATCH = "nested-batch"
    BAD_VERSION = "bad-version"
    BAD_METHOD = "bad-method"
    BAD_PARAMS = "bad-params"
    BAD_ERROR = "bad-error"
    BAD_ID = "bad-id"
    NULL_ID = "null-id"
    MISSING_ID = "missing-id"
    MIXED_MEMBERS = "mixed-members"
    DUPLICATE_KEYS = "duplicate-keys"
    NON_FINITE = "non-finite-number"
    LONE_SURROGATE = "lone-surrogate"
    BOM = "byte-order-mark"
    NOT_UTF8 = "not-utf8"
    RAW_CR = "raw-carriage-return"

    LOOKALIKE_KEYS = "lookalike-keys"
    TRAILING_BYTES = "trailing-bytes"
    BAD_ARGUMENTS = "bad-arguments"
    BAD_NAME = "bad-name"
    TOO_LARGE = "too-large"
