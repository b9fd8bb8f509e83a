package sdk

// CoreWords are the names that the language has for itself in the blocks of a kind. An attribute or block of a plugin by such a name
// could not be reached from a scenario.
func CoreWords() map[string][]string {
	return map[string][]string{
		"target": {"count", "for_each", "on_empty", "percent", "plugin"},
		"probe":  {"for_each", "plugin", "rate", "timeout"},
		"ledger": {"plugin", "rate", "timeout"},
		"alert":  {"interval", "plugin"},
		"fault":  {"after", "at", "for_each", "hold", "limit", "plugin", "release", "targets"},
		"action": {"after", "at", "plugin", "targets", "timeout", "undo"},
		"plugin": {"alias", "version"},
	}
}
