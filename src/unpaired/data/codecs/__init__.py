"""Image codecs: file formats recognised by content, decoded to pixels."""
