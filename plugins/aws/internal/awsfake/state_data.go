package awsfake

// dataState is the part of a region's state that is data, measurements and quotas.
type dataState struct {
	Monitoring monitoringState
	Quotas     quotaState
}

func newData() dataState {
	return dataState{Monitoring: newMonitoring(), Quotas: newQuotas()}
}

func dataOperations() map[string]map[string]handler {
	return map[string]map[string]handler{
		"monitoring": monitoringOperations(), "servicequotas": quotaOperations(),
	}
}
