"""Taking a posted file into memory only, and no more of it than is allowed."""

from __future__ import annotations

import io
from typing import Any

from django.core.files.uploadedfile import InMemoryUploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload

from portal.sheets.book import MAX_BYTES


class SheetUploadHandler(FileUploadHandler):
    """Keeps a file in memory, since Django's own handlers would lay large ones unsealed into the temporary folder.

    What goes beyond the limit is read and dropped; `request.sheet_too_large` then says so.
    """

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Begin a file."""
        super().new_file(*args, **kwargs)
        self.kept = io.BytesIO()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Take a piece, or stop the upload when it is too much."""
        if start + len(raw_data) > MAX_BYTES + 1:
            if self.request is not None:
                self.request.sheet_too_large = True  # type: ignore[attr-defined]  # read by the view
            raise StopUpload(connection_reset=False)
        self.kept.write(raw_data)

    def file_complete(self, file_size: int) -> InMemoryUploadedFile:
        """Hand the file over."""
        self.kept.seek(0)
        return InMemoryUploadedFile(
            self.kept, self.field_name, self.file_name or "", self.content_type, file_size, self.charset,
            self.content_type_extra,
        )  # fmt: skip
