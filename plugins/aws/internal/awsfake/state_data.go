package awsfake

// dataState is the part of a region's state that is data, measurements and quotas.
type dataState struct {
	Monitoring monitoringState
	Quotas     quotaState
	Lambda     lambdaState
	Dynamo     dynamoState
	S3         s3State
}

func newData() dataState {
	return dataState{Monitoring: newMonitoring(), Quotas: newQuotas(), Lambda: newLambda(), Dynamo: newDynamo(), S3: newS3()}
}

func dataOperations() map[string]map[string]handler {
	return map[string]map[string]handler{
		"monitoring": monitoringOperations(), "servicequotas": quotaOperations(), "lambda": lambdaOperations(),
		"dynamodb": dynamoOperations(), "application-autoscaling": scalingOperations(), "s3": s3Operations(),
	}
}
