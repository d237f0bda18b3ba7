"""Images that cannot be read: each is named once, counted, and skipped up to a number."""

from collections.abc import Callable


class Broken:
    """What could not be read of a data set.

    Args:
        most: images that may be skipped; one more ends the work.

    Attributes:
        sentences: why, by the image's name, in the order in which they were met.
        listener: called with every new sentence.
    """

    def __init__(self, most: int = 0) -> None:
        self.most = most
        self.sentences: dict[str, str] = {}
        self.listener: Callable[[str], None] = lambda sentence: None

    def __len__(self) -> int:
        return len(self.sentences)

    def add(self, name: str, sentence: str) -> None:
        """Notes an image, which may be known already. Raises ValueError if it is one too many."""
        if name in self.sentences:
            return
        self.sentences[name] = sentence
        if len(self) > self.most:
            counted = f"{len(self)} images cannot be read, and {self.most} may be; the last one: " * bool(self.most)
            raise ValueError(f"{counted}{sentence}")
        self.listener(f"skipped, {len(self)} of at most {self.most}: {sentence}")
