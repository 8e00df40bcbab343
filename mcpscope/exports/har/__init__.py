"""A session as HAR 1.2: ``log`` the file, ``http`` an entry of a stream, ``spoken`` one of no HTTP at all."""
