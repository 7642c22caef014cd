import type { OperationRow } from './lambda-shape.ts'

/**
 * Lambda's operations on functions, from the service model (2015-03-31, as botocore 1.43 has it, Apache-2.0).
 * DeleteFunction has 204, which the service has always answered, not the model's 200.
 * A row: method, path, status of success, members with their shapes. Members of the path are in it; `?Shape [name]` is one of the query,
 * `^Shape name` a header, `@Shape` the whole body, all others members of the JSON body. `!` marks what must be there.
 */
export const FUNCTION_OPERATIONS: Readonly<Record<string, OperationRow>> = {
  AddPermission: [
    'POST',
    '/2015-03-31/functions/{FunctionName}/policy',
    201,
    {
      FunctionName: 'NamespacedFunctionName!',
      StatementId: 'StatementId!',
      Action: 'Action!',
      Principal: 'Principal!',
      SourceArn: 'Arn',
      FunctionUrlAuthType: 'FunctionUrlAuthType',
      InvokedViaFunctionUrl: 'InvokedViaFunctionUrl',
      SourceAccount: 'SourceOwner',
      EventSourceToken: 'EventSourceToken',
      Qualifier: '?NumericLatestPublishedOrAliasQualifier',
      RevisionId: 'String',
      PrincipalOrgID: 'PrincipalOrgID'
    }
  ],
  CreateAlias: [
    'POST',
    '/2015-03-31/functions/{FunctionName}/aliases',
    201,
    {
      FunctionName: 'FunctionName!',
      Name: 'Alias!',
      FunctionVersion: 'VersionWithLatestPublished!',
      Description: 'Description',
      RoutingConfig: 'AliasRoutingConfiguration'
    }
  ],
  CreateFunction: [
    'POST',
    '/2015-03-31/functions',
    201,
    {
      FunctionName: 'FunctionName!',
      Runtime: 'String',
      Role: 'RoleArn!',
      Handler: 'Handler',
      Code: 'FunctionCode!',
      Description: 'Description',
      Timeout: 'Timeout',
      MemorySize: 'MemorySize',
      Publish: 'Boolean',
      PublishTo: 'FunctionVersionLatestPublished',
      VpcConfig: 'VpcConfig',
      PackageType: 'PackageType',
      DeadLetterConfig: 'DeadLetterConfig',
      Environment: 'Environment',
      KMSKeyArn: 'KMSKeyArn',
      TracingConfig: 'TracingConfig',
      Tags: 'Tags',
      Layers: 'LayerList',
      FileSystemConfigs: 'FileSystemConfigList',
      CodeSigningConfigArn: 'CodeSigningConfigArn',
      ImageConfig: 'ImageConfig',
      Architectures: 'ArchitecturesList',
      EphemeralStorage: 'EphemeralStorage',
      SnapStart: 'SnapStart',
      LoggingConfig: 'LoggingConfig',
      TenancyConfig: 'TenancyConfig',
      CapacityProviderConfig: 'CapacityProviderConfig',
      DurableConfig: 'DurableConfig'
    }
  ],
  CreateFunctionUrlConfig: [
    'POST',
    '/2021-10-31/functions/{FunctionName}/url',
    201,
    {
      FunctionName: 'FunctionUrlFunctionName!',
      Qualifier: '?FunctionUrlQualifier',
      AuthType: 'FunctionUrlAuthType!',
      Cors: 'Cors',
      InvokeMode: 'InvokeMode'
    }
  ],
  DeleteAlias: [
    'DELETE',
    '/2015-03-31/functions/{FunctionName}/aliases/{Name}',
    204,
    { FunctionName: 'FunctionName!', Name: 'Alias!' }
  ],
  DeleteFunction: [
    'DELETE',
    '/2015-03-31/functions/{FunctionName}',
    204,
    { FunctionName: 'NamespacedFunctionName!', Qualifier: '?NumericLatestPublishedOrAliasQualifier' }
  ],
  DeleteFunctionConcurrency: [
    'DELETE',
    '/2017-10-31/functions/{FunctionName}/concurrency',
    204,
    { FunctionName: 'FunctionName!' }
  ],
  DeleteFunctionEventInvokeConfig: [
    'DELETE',
    '/2019-09-25/functions/{FunctionName}/event-invoke-config',
    204,
    { FunctionName: 'NamespacedFunctionName!', Qualifier: '?NumericLatestPublishedOrAliasQualifier' }
  ],
  DeleteFunctionUrlConfig: [
    'DELETE',
    '/2021-10-31/functions/{FunctionName}/url',
    204,
    { FunctionName: 'FunctionUrlFunctionName!', Qualifier: '?FunctionUrlQualifier' }
  ],
  DeleteProvisionedConcurrencyConfig: [
    'DELETE',
    '/2019-09-30/functions/{FunctionName}/provisioned-concurrency',
    204,
    { FunctionName: 'FunctionName!', Qualifier: '?Qualifier!' }
  ],
  GetAlias: [
    'GET',
    '/2015-03-31/functions/{FunctionName}/aliases/{Name}',
    200,
    { FunctionName: 'FunctionName!', Name: 'Alias!' }
  ],
  GetFunction: [
    'GET',
    '/2015-03-31/functions/{FunctionName}',
    200,
    { FunctionName: 'NamespacedFunctionName!', Qualifier: '?NumericLatestPublishedOrAliasQualifier' }
  ],
  GetFunctionConcurrency: ['GET', '/2019-09-30/functions/{FunctionName}/concurrency', 200, { FunctionName: 'FunctionName!' }],
  GetFunctionConfiguration: [
    'GET',
    '/2015-03-31/functions/{FunctionName}/configuration',
    200,
    { FunctionName: 'NamespacedFunctionName!', Qualifier: '?NumericLatestPublishedOrAliasQualifier' }
  ],
  GetFunctionEventInvokeConfig: [
    'GET',
    '/2019-09-25/functions/{FunctionName}/event-invoke-config',
    200,
    { FunctionName: 'NamespacedFunctionName!', Qualifier: '?NumericLatestPublishedOrAliasQualifier' }
  ],
  GetFunctionRecursionConfig: [
    'GET',
    '/2024-08-31/functions/{FunctionName}/recursion-config',
    200,
    { FunctionName: 'UnqualifiedFunctionName!' }
  ],
  GetFunctionScalingConfig: [
    'GET',
    '/2025-11-30/functions/{FunctionName}/function-scaling-config',
    200,
    { FunctionName: 'UnqualifiedFunctionName!', Qualifier: '?PublishedFunctionQualifier!' }
  ],
  GetFunctionUrlConfig: [
    'GET',
    '/2021-10-31/functions/{FunctionName}/url',
    200,
    { FunctionName: 'FunctionUrlFunctionName!', Qualifier: '?FunctionUrlQualifier' }
  ],
  GetPolicy: [
    'GET',
    '/2015-03-31/functions/{FunctionName}/policy',
    200,
    { FunctionName: 'NamespacedFunctionName!', Qualifier: '?NumericLatestPublishedOrAliasQualifier' }
  ],
  GetProvisionedConcurrencyConfig: [
    'GET',
    '/2019-09-30/functions/{FunctionName}/provisioned-concurrency',
    200,
    { FunctionName: 'FunctionName!', Qualifier: '?Qualifier!' }
  ],
  GetRuntimeManagementConfig: [
    'GET',
    '/2021-07-20/functions/{FunctionName}/runtime-management-config',
    200,
    { FunctionName: 'NamespacedFunctionName!', Qualifier: '?NumericLatestPublishedOrAliasQualifier' }
  ],
  Invoke: [
    'POST',
    '/2015-03-31/functions/{FunctionName}/invocations',
    200,
    {
      FunctionName: 'NamespacedFunctionName!',
      InvocationType: '^InvocationType X-Amz-Invocation-Type',
      LogType: '^LogType X-Amz-Log-Type',
      ClientContext: '^String X-Amz-Client-Context',
      DurableExecutionName: '^DurableExecutionName X-Amz-Durable-Execution-Name',
      Payload: '@Blob',
      Qualifier: '?NumericLatestPublishedOrAliasQualifier',
      TenantId: '^TenantId X-Amz-Tenant-Id'
    }
  ],
  InvokeAsync: [
    'POST',
    '/2014-11-13/functions/{FunctionName}/invoke-async',
    202,
    { FunctionName: 'NamespacedFunctionName!', InvokeArgs: '@BlobStream!' }
  ],
  InvokeWithResponseStream: [
    'POST',
    '/2021-11-15/functions/{FunctionName}/response-streaming-invocations',
    200,
    {
      FunctionName: 'NamespacedFunctionName!',
      LogType: '^LogType X-Amz-Log-Type',
      ClientContext: '^String X-Amz-Client-Context',
      Qualifier: '?NumericLatestPublishedOrAliasQualifier',
      Payload: '@Blob',
      TenantId: '^TenantId X-Amz-Tenant-Id',
      InvocationType: '^ResponseStreamingInvocationType X-Amz-Invocation-Type'
    }
  ],
  ListAliases: [
    'GET',
    '/2015-03-31/functions/{FunctionName}/aliases',
    200,
    {
      FunctionName: 'FunctionName!',
      FunctionVersion: '?VersionWithLatestPublished',
      Marker: '?String',
      MaxItems: '?MaxListItems'
    }
  ],
  ListFunctionEventInvokeConfigs: [
    'GET',
    '/2019-09-25/functions/{FunctionName}/event-invoke-config/list',
    200,
    { FunctionName: 'NamespacedFunctionName!', Marker: '?String', MaxItems: '?MaxFunctionEventInvokeConfigListItems' }
  ],
  ListFunctionUrlConfigs: [
    'GET',
    '/2021-10-31/functions/{FunctionName}/urls',
    200,
    { FunctionName: 'FunctionUrlFunctionName!', Marker: '?String', MaxItems: '?MaxItems' }
  ],
  ListFunctions: [
    'GET',
    '/2015-03-31/functions',
    200,
    { MasterRegion: '?MasterRegion', FunctionVersion: '?FunctionVersion', Marker: '?String', MaxItems: '?MaxListItems' }
  ],
  ListProvisionedConcurrencyConfigs: [
    'GET',
    '/2019-09-30/functions/{FunctionName}/provisioned-concurrency?List=ALL',
    200,
    { FunctionName: 'FunctionName!', Marker: '?String', MaxItems: '?MaxProvisionedConcurrencyConfigListItems' }
  ],
  ListVersionsByFunction: [
    'GET',
    '/2015-03-31/functions/{FunctionName}/versions',
    200,
    { FunctionName: 'NamespacedFunctionName!', Marker: '?String', MaxItems: '?MaxListItems' }
  ],
  PublishVersion: [
    'POST',
    '/2015-03-31/functions/{FunctionName}/versions',
    201,
    {
      FunctionName: 'FunctionName!',
      CodeSha256: 'String',
      Description: 'Description',
      RevisionId: 'String',
      PublishTo: 'FunctionVersionLatestPublished'
    }
  ],
  PutFunctionConcurrency: [
    'PUT',
    '/2017-10-31/functions/{FunctionName}/concurrency',
    200,
    { FunctionName: 'FunctionName!', ReservedConcurrentExecutions: 'ReservedConcurrentExecutions!' }
  ],
  PutFunctionEventInvokeConfig: [
    'PUT',
    '/2019-09-25/functions/{FunctionName}/event-invoke-config',
    200,
    {
      FunctionName: 'NamespacedFunctionName!',
      Qualifier: '?NumericLatestPublishedOrAliasQualifier',
      MaximumRetryAttempts: 'MaximumRetryAttempts',
      MaximumEventAgeInSeconds: 'MaximumEventAgeInSeconds',
      DestinationConfig: 'DestinationConfig'
    }
  ],
  PutFunctionRecursionConfig: [
    'PUT',
    '/2024-08-31/functions/{FunctionName}/recursion-config',
    200,
    { FunctionName: 'UnqualifiedFunctionName!', RecursiveLoop: 'RecursiveLoop!' }
  ],
  PutFunctionScalingConfig: [
    'PUT',
    '/2025-11-30/functions/{FunctionName}/function-scaling-config',
    202,
    {
      FunctionName: 'UnqualifiedFunctionName!',
      Qualifier: '?PublishedFunctionQualifier!',
      FunctionScalingConfig: 'FunctionScalingConfig'
    }
  ],
  PutProvisionedConcurrencyConfig: [
    'PUT',
    '/2019-09-30/functions/{FunctionName}/provisioned-concurrency',
    202,
    { FunctionName: 'FunctionName!', Qualifier: '?Qualifier!', ProvisionedConcurrentExecutions: 'PositiveInteger!' }
  ],
  PutRuntimeManagementConfig: [
    'PUT',
    '/2021-07-20/functions/{FunctionName}/runtime-management-config',
    200,
    {
      FunctionName: 'NamespacedFunctionName!',
      Qualifier: '?NumericLatestPublishedOrAliasQualifier',
      UpdateRuntimeOn: 'UpdateRuntimeOn!',
      RuntimeVersionArn: 'RuntimeVersionArn'
    }
  ],
  RemovePermission: [
    'DELETE',
    '/2015-03-31/functions/{FunctionName}/policy/{StatementId}',
    204,
    {
      FunctionName: 'NamespacedFunctionName!',
      StatementId: 'NamespacedStatementId!',
      Qualifier: '?NumericLatestPublishedOrAliasQualifier',
      RevisionId: '?String'
    }
  ],
  UpdateAlias: [
    'PUT',
    '/2015-03-31/functions/{FunctionName}/aliases/{Name}',
    200,
    {
      FunctionName: 'FunctionName!',
      Name: 'Alias!',
      FunctionVersion: 'VersionWithLatestPublished',
      Description: 'Description',
      RoutingConfig: 'AliasRoutingConfiguration',
      RevisionId: 'String'
    }
  ],
  UpdateFunctionCode: [
    'PUT',
    '/2015-03-31/functions/{FunctionName}/code',
    200,
    {
      FunctionName: 'FunctionName!',
      ZipFile: 'Blob',
      S3Bucket: 'S3Bucket',
      S3Key: 'S3Key',
      S3ObjectVersion: 'S3ObjectVersion',
      S3ObjectStorageMode: 'S3ObjectStorageMode',
      ImageUri: 'String',
      Architectures: 'ArchitecturesList',
      Publish: 'Boolean',
      PublishTo: 'FunctionVersionLatestPublished',
      DryRun: 'Boolean',
      RevisionId: 'String',
      SourceKMSKeyArn: 'KMSKeyArn'
    }
  ],
  UpdateFunctionConfiguration: [
    'PUT',
    '/2015-03-31/functions/{FunctionName}/configuration',
    200,
    {
      FunctionName: 'FunctionName!',
      Role: 'RoleArn',
      Handler: 'Handler',
      Description: 'Description',
      Timeout: 'Timeout',
      MemorySize: 'MemorySize',
      VpcConfig: 'VpcConfig',
      Environment: 'Environment',
      Runtime: 'String',
      DeadLetterConfig: 'DeadLetterConfig',
      KMSKeyArn: 'KMSKeyArn',
      TracingConfig: 'TracingConfig',
      RevisionId: 'String',
      Layers: 'LayerList',
      FileSystemConfigs: 'FileSystemConfigList',
      ImageConfig: 'ImageConfig',
      EphemeralStorage: 'EphemeralStorage',
      SnapStart: 'SnapStart',
      LoggingConfig: 'LoggingConfig',
      CapacityProviderConfig: 'CapacityProviderConfig',
      DurableConfig: 'DurableConfig'
    }
  ],
  UpdateFunctionEventInvokeConfig: [
    'POST',
    '/2019-09-25/functions/{FunctionName}/event-invoke-config',
    200,
    {
      FunctionName: 'NamespacedFunctionName!',
      Qualifier: '?NumericLatestPublishedOrAliasQualifier',
      MaximumRetryAttempts: 'MaximumRetryAttempts',
      MaximumEventAgeInSeconds: 'MaximumEventAgeInSeconds',
      DestinationConfig: 'DestinationConfig'
    }
  ],
  UpdateFunctionUrlConfig: [
    'PUT',
    '/2021-10-31/functions/{FunctionName}/url',
    200,
    {
      FunctionName: 'FunctionUrlFunctionName!',
      Qualifier: '?FunctionUrlQualifier',
      AuthType: 'FunctionUrlAuthType',
      Cors: 'Cors',
      InvokeMode: 'InvokeMode'
    }
  ]
}
