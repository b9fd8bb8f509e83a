package aws

// faults are all faults of the plugin. A new one is named here.
func faults() []fault {
	return []fault{
		networkDenied(),
		single(instanceStop(), "Stops instances and starts them again: those that ran. If every process of gameday dies at once they stay stopped, until gameday recover or gameday sweep.",
			"aws_instance", "aws_zone"),
		single(instanceReboot(), "Reboots instances. Nothing undoes that: the revert waits until the instances pass their status checks, and fails by name if they do not. If every process of gameday dies at once, nothing is different.",
			"aws_instance", "aws_zone"),
		single(scalingSuspended(), "Keeps Auto Scaling groups from doing what they do by themselves. Processes that were suspended before stay so. If every process of gameday dies at once they stay suspended, until gameday recover or gameday sweep.",
			"aws_auto_scaling_group", "aws_zone"),
		single(scalingZoneRemoved(), "Makes Auto Scaling groups leave a zone. They replace their instances there by others elsewhere, unless these processes are suspended. If every process of gameday dies at once they stay out of it, until gameday recover or gameday sweep.",
			"aws_auto_scaling_group", "aws_zone"),
		single(scalingMax(), "Clamps the size of Auto Scaling groups, so that they cannot grow, or have to shrink. If every process of gameday dies at once they stay clamped, until gameday recover or gameday sweep.",
			"aws_auto_scaling_group", "aws_zone"),
		single(zonalShift(), "Leads the traffic of load balancers away from a zone, with a zonal shift of the Application Recovery Controller. If every process of gameday dies at once, AWS ends it by its own clock.",
			"aws_load_balancer", "aws_zone"),
		single(dbFailover(), "Fails databases over: a cluster to one of its readers, a Multi-AZ instance to its standby. Active when AWS shows the writer elsewhere and the database available. "+
			"If every process of gameday dies at once, AWS ends what it has begun, and the writer stays where it went.",
			"aws_db_cluster", "aws_db_instance", "aws_zone"),
		single(cacheFailover(), "Makes the primary of an ElastiCache node group fail, with TestFailover: AWS allows that for 15 node groups in any 24 hours, for one node group of a replication group at a time, and not at all when it is busy itself. "+
			"The new primary stays. If every process of gameday dies at once, AWS ends what it has begun.",
			"aws_cache_group", "aws_zone"),
		zoneOutage(),
		single(lambdaConcurrency(), "Takes concurrency away from Lambda functions: with none they run nothing, and every call is throttled. If every process of gameday dies at once they stay so, until gameday recover or gameday sweep.",
			"aws_function"),
		single(tableCapacity(), "Clamps the throughput of DynamoDB tables: what is provisioned, or the most that is allowed on demand. Indexes keep theirs. DynamoDB lowers what is provisioned four times on a day, and then once an hour. "+
			"If every process of gameday dies at once they stay so, until gameday recover or gameday sweep.",
			"aws_table"),
		capacityTaken(),
		recordChanged(), healthCheckInverted(), dnsBlocked(), fisExperiment(),
	}
}
