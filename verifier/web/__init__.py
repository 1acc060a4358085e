"""The console's pages: sign-in, security credentials and administration, for browsers."""
