"""Images that cannot be read: each is named once, counted, and skipped up to a number."""

from collections.abc import Callable, Collection, Iterator

from nat_core.sentences import seen


def printable(text: str) -> str:
    """The text without what files of text cannot hold: bytes in files' names that are no UTF-8."""
    return text.encode(errors="replace").decode()


class Broken:
    """The images of a dataset that could not be read.

    Args:
        most: number of images that may be skipped; one more ends the work.

    Attributes:
        sentences: the reason for each unreadable image by its name, in the order of discovery.
        listener: called with every new sentence.
    """

    def __init__(self, most: int = 0) -> None:
        self.most = most
        self.sentences: dict[str, str] = {}
        self.listener: Callable[[str], None] = lambda sentence: None

    def __len__(self) -> int:
        return len(self.sentences)

    def add(self, name: str, sentence: str) -> None:
        """Record a broken image, possibly again. Raises ValueError if it exceeds the limit."""
        if name in self.sentences:
            return
        sentence = self.sentences[name] = seen(printable(sentence))  # a file's name may hold line breaks
        if len(self) > self.most:
            counted = f"{len(self)} images cannot be read, and {self.most} may be; the last one: " * bool(self.most)
            raise ValueError(f"{counted}{sentence}")
        self.listener(self._told(name))

    def told(self, known: Collection[str] = ()) -> Iterator[str]:
        """Return the messages so far, without images whose names are `known`."""
        return (self._told(name) for name in self.sentences if name not in known)

    def _told(self, name: str) -> str:
        number = list(self.sentences).index(name) + 1
        return f"skipped, {number} of at most {self.most}: {self.sentences[name]}"
