"""Mail: messages by RFC 5322 and MIME, and Outlook's compound files, read into one model and written canonically
(``docs/grammar-mail.md``)."""
