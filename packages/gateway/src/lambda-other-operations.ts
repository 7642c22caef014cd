import type { OperationRow } from './lambda-shape.ts'

/**
 * Lambda's operations on layers, event source mappings, tags, code signing, capacity providers and durable executions, and on the account.
 * A row: method, path, status of success, members with their shapes. Members of the path are in it; `?Shape [name]` is one of the query,
 * `^Shape name` a header, `@Shape` the whole body, all others members of the JSON body. `!` marks what must be there.
 */
export const OTHER_OPERATIONS: Readonly<Record<string, OperationRow>> = {
  AddLayerVersionPermission: [
    'POST',
    '/2018-10-31/layers/{LayerName}/versions/{VersionNumber}/policy',
    201,
    {
      LayerName: 'LayerName!',
      VersionNumber: 'LayerVersionNumber!',
      StatementId: 'StatementId!',
      Action: 'LayerPermissionAllowedAction!',
      Principal: 'LayerPermissionAllowedPrincipal!',
      OrganizationId: 'OrganizationId',
      RevisionId: '?String'
    }
  ],
  CheckpointDurableExecution: [
    'POST',
    '/2025-12-01/durable-executions/{DurableExecutionArn}/checkpoint',
    200,
    { DurableExecutionArn: 'DurableExecutionArn!', CheckpointToken: 'Anything!', Updates: 'Anything', ClientToken: 'Anything' }
  ],
  CreateCapacityProvider: [
    'POST',
    '/2025-11-30/capacity-providers',
    202,
    {
      CapacityProviderName: 'Anything!',
      VpcConfig: 'Anything!',
      PermissionsConfig: 'Anything!',
      InstanceRequirements: 'Anything',
      CapacityProviderScalingConfig: 'Anything',
      KmsKeyArn: 'Anything',
      Tags: 'Anything',
      PropagateTags: 'Anything',
      TelemetryConfig: 'Anything'
    }
  ],
  CreateCodeSigningConfig: [
    'POST',
    '/2020-04-22/code-signing-configs',
    201,
    {
      Description: 'Description',
      AllowedPublishers: 'AllowedPublishers!',
      CodeSigningPolicies: 'CodeSigningPolicies',
      Tags: 'Tags'
    }
  ],
  CreateEventSourceMapping: [
    'POST',
    '/2015-03-31/event-source-mappings',
    202,
    {
      EventSourceArn: 'Arn',
      FunctionName: 'NamespacedFunctionName!',
      Enabled: 'Enabled',
      BatchSize: 'BatchSize',
      FilterCriteria: 'FilterCriteria',
      KMSKeyArn: 'KMSKeyArn',
      MetricsConfig: 'EventSourceMappingMetricsConfig',
      LoggingConfig: 'EventSourceMappingLoggingConfig',
      ScalingConfig: 'ScalingConfig',
      MaximumBatchingWindowInSeconds: 'MaximumBatchingWindowInSeconds',
      ParallelizationFactor: 'ParallelizationFactor',
      StartingPosition: 'EventSourcePosition',
      StartingPositionTimestamp: 'Date',
      DestinationConfig: 'DestinationConfig',
      MaximumRecordAgeInSeconds: 'MaximumRecordAgeInSeconds',
      BisectBatchOnFunctionError: 'BisectBatchOnFunctionError',
      MaximumRetryAttempts: 'MaximumRetryAttemptsEventSourceMapping',
      Tags: 'Tags',
      TumblingWindowInSeconds: 'TumblingWindowInSeconds',
      Topics: 'Topics',
      Queues: 'Queues',
      SourceAccessConfigurations: 'SourceAccessConfigurations',
      SelfManagedEventSource: 'SelfManagedEventSource',
      FunctionResponseTypes: 'FunctionResponseTypeList',
      AmazonManagedKafkaEventSourceConfig: 'AmazonManagedKafkaEventSourceConfig',
      SelfManagedKafkaEventSourceConfig: 'SelfManagedKafkaEventSourceConfig',
      DocumentDBEventSourceConfig: 'DocumentDBEventSourceConfig',
      ProvisionedPollerConfig: 'ProvisionedPollerConfig'
    }
  ],
  DeleteCapacityProvider: [
    'DELETE',
    '/2025-11-30/capacity-providers/{CapacityProviderName}',
    202,
    { CapacityProviderName: 'CapacityProviderName!' }
  ],
  DeleteCodeSigningConfig: [
    'DELETE',
    '/2020-04-22/code-signing-configs/{CodeSigningConfigArn}',
    204,
    { CodeSigningConfigArn: 'CodeSigningConfigArn!' }
  ],
  DeleteEventSourceMapping: ['DELETE', '/2015-03-31/event-source-mappings/{UUID}', 202, { UUID: 'UUIDString!' }],
  DeleteFunctionCodeSigningConfig: [
    'DELETE',
    '/2020-06-30/functions/{FunctionName}/code-signing-config',
    204,
    { FunctionName: 'NamespacedFunctionName!' }
  ],
  DeleteLayerVersion: [
    'DELETE',
    '/2018-10-31/layers/{LayerName}/versions/{VersionNumber}',
    204,
    { LayerName: 'LayerName!', VersionNumber: 'LayerVersionNumber!' }
  ],
  DeleteResourcePolicy: [
    'DELETE',
    '/2026-07-09/resource-policy/{ResourceArn}',
    204,
    { ResourceArn: 'PolicyResourceArn!', RevisionId: '?RevisionId' }
  ],
  GetAccountSettings: ['GET', '/2016-08-19/account-settings', 200, {}],
  GetCapacityProvider: [
    'GET',
    '/2025-11-30/capacity-providers/{CapacityProviderName}',
    200,
    { CapacityProviderName: 'CapacityProviderName!' }
  ],
  GetCodeSigningConfig: [
    'GET',
    '/2020-04-22/code-signing-configs/{CodeSigningConfigArn}',
    200,
    { CodeSigningConfigArn: 'CodeSigningConfigArn!' }
  ],
  GetDurableExecution: [
    'GET',
    '/2025-12-01/durable-executions/{DurableExecutionArn}',
    200,
    { DurableExecutionArn: 'DurableExecutionArn!', IncludeExecutionData: '?IncludeExecutionData' }
  ],
  GetDurableExecutionHistory: [
    'GET',
    '/2025-12-01/durable-executions/{DurableExecutionArn}/history',
    200,
    {
      DurableExecutionArn: 'DurableExecutionArn!',
      IncludeExecutionData: '?IncludeExecutionData',
      MaxItems: '?ItemCount',
      Marker: '?String',
      ReverseOrder: '?ReverseOrder'
    }
  ],
  GetDurableExecutionState: [
    'GET',
    '/2025-12-01/durable-executions/{DurableExecutionArn}/state',
    200,
    {
      DurableExecutionArn: 'DurableExecutionArn!',
      CheckpointToken: '?CheckpointToken!',
      Marker: '?String',
      MaxItems: '?ItemCount'
    }
  ],
  GetEventSourceMapping: ['GET', '/2015-03-31/event-source-mappings/{UUID}', 200, { UUID: 'UUIDString!' }],
  GetFunctionCodeSigningConfig: [
    'GET',
    '/2020-06-30/functions/{FunctionName}/code-signing-config',
    200,
    { FunctionName: 'NamespacedFunctionName!' }
  ],
  GetLayerVersion: [
    'GET',
    '/2018-10-31/layers/{LayerName}/versions/{VersionNumber}',
    200,
    { LayerName: 'LayerName!', VersionNumber: 'LayerVersionNumber!' }
  ],
  GetLayerVersionByArn: ['GET', '/2018-10-31/layers?find=LayerVersion', 200, { Arn: '?LayerVersionArn!' }],
  GetLayerVersionPolicy: [
    'GET',
    '/2018-10-31/layers/{LayerName}/versions/{VersionNumber}/policy',
    200,
    { LayerName: 'LayerName!', VersionNumber: 'LayerVersionNumber!' }
  ],
  GetResourcePolicy: ['GET', '/2026-07-09/resource-policy/{ResourceArn}', 200, { ResourceArn: 'PolicyResourceArn!' }],
  ListCapacityProviders: [
    'GET',
    '/2025-11-30/capacity-providers',
    200,
    { State: '?CapacityProviderState', Marker: '?String', MaxItems: '?MaxFiftyListItems' }
  ],
  ListCodeSigningConfigs: ['GET', '/2020-04-22/code-signing-configs', 200, { Marker: '?String', MaxItems: '?MaxListItems' }],
  ListDurableExecutionsByFunction: [
    'GET',
    '/2025-12-01/functions/{FunctionName}/durable-executions',
    200,
    {
      FunctionName: 'NamespacedFunctionName!',
      Qualifier: '?NumericLatestPublishedOrAliasQualifier',
      DurableExecutionName: '?DurableExecutionName',
      Statuses: '?ExecutionStatusList',
      StartedAfter: '?ExecutionTimestamp',
      StartedBefore: '?ExecutionTimestamp',
      ReverseOrder: '?ReverseOrder',
      Marker: '?String',
      MaxItems: '?ItemCount'
    }
  ],
  ListEventSourceMappings: [
    'GET',
    '/2015-03-31/event-source-mappings',
    200,
    { EventSourceArn: '?Arn', FunctionName: '?NamespacedFunctionName', Marker: '?String', MaxItems: '?MaxListItems' }
  ],
  ListFunctionVersionsByCapacityProvider: [
    'GET',
    '/2025-11-30/capacity-providers/{CapacityProviderName}/function-versions',
    200,
    { CapacityProviderName: 'CapacityProviderName!', Marker: '?String', MaxItems: '?MaxFiftyListItems' }
  ],
  ListFunctionsByCodeSigningConfig: [
    'GET',
    '/2020-04-22/code-signing-configs/{CodeSigningConfigArn}/functions',
    200,
    { CodeSigningConfigArn: 'CodeSigningConfigArn!', Marker: '?String', MaxItems: '?MaxListItems' }
  ],
  ListLayerVersions: [
    'GET',
    '/2018-10-31/layers/{LayerName}/versions',
    200,
    {
      CompatibleArchitecture: '?Architecture',
      CompatibleRuntime: '?Runtime',
      LayerName: 'LayerName!',
      Marker: '?String',
      MaxItems: '?MaxLayerListItems'
    }
  ],
  ListLayers: [
    'GET',
    '/2018-10-31/layers',
    200,
    { CompatibleArchitecture: '?Architecture', CompatibleRuntime: '?Runtime', Marker: '?String', MaxItems: '?MaxLayerListItems' }
  ],
  ListTags: ['GET', '/2017-03-31/tags/{Resource}', 200, { Resource: 'TaggableResource!' }],
  PublishLayerVersion: [
    'POST',
    '/2018-10-31/layers/{LayerName}/versions',
    201,
    {
      LayerName: 'LayerName!',
      Description: 'Description',
      Content: 'LayerVersionContentInput!',
      CompatibleRuntimes: 'CompatibleRuntimes',
      CompatibleArchitectures: 'CompatibleArchitectures',
      LicenseInfo: 'LicenseInfo'
    }
  ],
  PutFunctionCodeSigningConfig: [
    'PUT',
    '/2020-06-30/functions/{FunctionName}/code-signing-config',
    200,
    { CodeSigningConfigArn: 'CodeSigningConfigArn!', FunctionName: 'NamespacedFunctionName!' }
  ],
  PutResourcePolicy: [
    'PUT',
    '/2026-07-09/resource-policy/{ResourceArn}',
    200,
    { ResourceArn: 'PolicyResourceArn!', Policy: 'ResourcePolicy!', RevisionId: 'RevisionId' }
  ],
  RemoveLayerVersionPermission: [
    'DELETE',
    '/2018-10-31/layers/{LayerName}/versions/{VersionNumber}/policy/{StatementId}',
    204,
    { LayerName: 'LayerName!', VersionNumber: 'LayerVersionNumber!', StatementId: 'StatementId!', RevisionId: '?String' }
  ],
  SendDurableExecutionCallbackFailure: [
    'POST',
    '/2025-12-01/durable-execution-callbacks/{CallbackId}/fail',
    200,
    { CallbackId: 'CallbackId!', Error: 'Anything' }
  ],
  SendDurableExecutionCallbackHeartbeat: [
    'POST',
    '/2025-12-01/durable-execution-callbacks/{CallbackId}/heartbeat',
    200,
    { CallbackId: 'CallbackId!' }
  ],
  SendDurableExecutionCallbackSuccess: [
    'POST',
    '/2025-12-01/durable-execution-callbacks/{CallbackId}/succeed',
    200,
    { CallbackId: 'CallbackId!', Result: 'Anything' }
  ],
  StopDurableExecution: [
    'POST',
    '/2025-12-01/durable-executions/{DurableExecutionArn}/stop',
    200,
    { DurableExecutionArn: 'DurableExecutionArn!', Error: 'Anything' }
  ],
  TagResource: ['POST', '/2017-03-31/tags/{Resource}', 204, { Resource: 'TaggableResource!', Tags: 'Tags!' }],
  UntagResource: [
    'DELETE',
    '/2017-03-31/tags/{Resource}',
    204,
    { Resource: 'TaggableResource!', TagKeys: '?TagKeyList! tagKeys' }
  ],
  UpdateCapacityProvider: [
    'PUT',
    '/2025-11-30/capacity-providers/{CapacityProviderName}',
    202,
    {
      CapacityProviderName: 'CapacityProviderName!',
      CapacityProviderScalingConfig: 'Anything',
      PropagateTags: 'Anything',
      TelemetryConfig: 'Anything'
    }
  ],
  UpdateCodeSigningConfig: [
    'PUT',
    '/2020-04-22/code-signing-configs/{CodeSigningConfigArn}',
    200,
    {
      CodeSigningConfigArn: 'CodeSigningConfigArn!',
      Description: 'Description',
      AllowedPublishers: 'AllowedPublishers',
      CodeSigningPolicies: 'CodeSigningPolicies'
    }
  ],
  UpdateEventSourceMapping: [
    'PUT',
    '/2015-03-31/event-source-mappings/{UUID}',
    202,
    {
      UUID: 'UUIDString!',
      FunctionName: 'NamespacedFunctionName',
      Enabled: 'Enabled',
      BatchSize: 'BatchSize',
      FilterCriteria: 'FilterCriteria',
      KMSKeyArn: 'KMSKeyArn',
      MetricsConfig: 'EventSourceMappingMetricsConfig',
      LoggingConfig: 'EventSourceMappingLoggingConfig',
      ScalingConfig: 'ScalingConfig',
      MaximumBatchingWindowInSeconds: 'MaximumBatchingWindowInSeconds',
      ParallelizationFactor: 'ParallelizationFactor',
      DestinationConfig: 'DestinationConfig',
      MaximumRecordAgeInSeconds: 'MaximumRecordAgeInSeconds',
      BisectBatchOnFunctionError: 'BisectBatchOnFunctionError',
      MaximumRetryAttempts: 'MaximumRetryAttemptsEventSourceMapping',
      TumblingWindowInSeconds: 'TumblingWindowInSeconds',
      SourceAccessConfigurations: 'SourceAccessConfigurations',
      FunctionResponseTypes: 'FunctionResponseTypeList',
      AmazonManagedKafkaEventSourceConfig: 'AmazonManagedKafkaEventSourceConfig',
      SelfManagedKafkaEventSourceConfig: 'SelfManagedKafkaEventSourceConfig',
      DocumentDBEventSourceConfig: 'DocumentDBEventSourceConfig',
      ProvisionedPollerConfig: 'ProvisionedPollerConfig'
    }
  ]
}
