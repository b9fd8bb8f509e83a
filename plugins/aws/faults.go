package aws

// faults are all faults of the plugin. A new one is named here.
func faults() []fault {
	return []fault{
		single(instanceStop(), "Stops instances and starts them again: those that ran. If every process of gameday dies at once they stay stopped, until gameday recover or gameday sweep.",
			"aws_instance", "aws_zone"),
	}
}
