// Package sdk is what a plugin author needs to give gameday new targets, faults, actions and probers.
//
// A plugin is one small program: it fills a Plugin with what it offers and hands it to Serve. Everything else
// (the process, the lease, the transport) is the SDK's business. The conformance suite in plugins/sdk/conformance
// checks what the interfaces below demand.
package sdk
