"""Taking a posted file straight into the sealed store, and no more of it than is allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload

from portal.sheets.book import MAX_BYTES
from portal.sheets.store import Kept, Writer, drop

# Django's class is generic only in its stubs.
if TYPE_CHECKING:
    Posted = UploadedFile[bytes]
else:
    Posted = UploadedFile


class SealedUpload(Posted):
    """A posted file that already lies sealed; `kept` says where. Its bytes are not at hand."""

    def __init__(self, kept: Kept, name: str) -> None:
        super().__init__(None, name, size=kept.size)
        self.kept = kept


class SheetUploadHandler(FileUploadHandler):
    """Seals a file as it comes: Django's own handlers would lay large ones unsealed into the temporary folder.

    What goes beyond the limit is dropped; `request.sheet_too_large` then says so. `drop_unused` removes what no
    import took over.
    """

    def __init__(self, request: Any = None) -> None:
        super().__init__(request)
        self.writer: Writer | None = None
        self.ended: list[Kept] = []

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Begin a file."""
        super().new_file(*args, **kwargs)
        self.writer = Writer()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Take a piece, or stop the upload when it is too much."""
        if start + len(raw_data) > MAX_BYTES:
            self.request.sheet_too_large = True  # type: ignore[union-attr]  # read by the view
            self.upload_interrupted()
            raise StopUpload(connection_reset=False)
        assert self.writer is not None
        self.writer.write(raw_data)

    def file_complete(self, file_size: int) -> SealedUpload | None:
        """Hand the file over."""
        if self.writer is None:
            return None
        kept = self.writer.close()
        self.ended.append(kept)
        self.writer = None
        return SealedUpload(kept, self.file_name or "")

    def upload_interrupted(self) -> None:
        """Remove what was written of a file that was cut off."""
        if self.writer is not None:
            self.writer.abandon()
            self.writer = None

    def drop_unused(self, used: str) -> None:
        """Remove every file but the one called `used`."""
        self.upload_interrupted()
        for kept in self.ended:
            if kept.name != used:
                drop(kept.name)
