"""The one layer of words: every sentence a person reads, in English and Simplified Chinese, by key and values."""

from custody.words.words import LANGUAGES, Language, Words

__all__ = ["LANGUAGES", "Language", "Words"]
