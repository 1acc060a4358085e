"""One-time codes: RFC 4226 and RFC 6238, and the tokens and apps that show them."""
