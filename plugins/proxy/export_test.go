package proxy

// AddProxy is for tests that serve a Toxiproxy in their own process.
var AddProxy = addProxy
