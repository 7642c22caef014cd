import { type Shape, structure } from './lambda-shape.ts'

/** The structures of Lambda's service model that requests hold. `!` marks what must be there. */
export const STRUCTURE_SHAPES: Readonly<Record<string, Shape>> = {
  AliasRoutingConfiguration: structure({ AdditionalVersionWeights: 'AdditionalVersionWeights' }),
  AllowedPublishers: structure({ SigningProfileVersionArns: 'SigningProfileVersionArns!' }),
  AmazonManagedKafkaEventSourceConfig: structure({ ConsumerGroupId: 'URI', SchemaRegistryConfig: 'KafkaSchemaRegistryConfig' }),
  CapacityProviderConfig: structure({
    LambdaManagedInstancesCapacityProviderConfig: 'LambdaManagedInstancesCapacityProviderConfig!'
  }),
  CodeSigningPolicies: structure({ UntrustedArtifactOnDeployment: 'CodeSigningPolicy' }),
  Cors: structure({
    AllowCredentials: 'AllowCredentials',
    AllowHeaders: 'HeadersList',
    AllowMethods: 'AllowMethodsList',
    AllowOrigins: 'AllowOriginsList',
    ExposeHeaders: 'HeadersList',
    MaxAge: 'MaxAge'
  }),
  DeadLetterConfig: structure({ TargetArn: 'ResourceArn' }),
  DestinationConfig: structure({ OnSuccess: 'OnSuccess', OnFailure: 'OnFailure' }),
  DocumentDBEventSourceConfig: structure({
    DatabaseName: 'DatabaseName',
    CollectionName: 'CollectionName',
    FullDocument: 'FullDocument'
  }),
  DurableConfig: structure({
    KMSKeyArn: 'KMSKeyArn',
    RetentionPeriodInDays: 'RetentionPeriodInDays',
    ExecutionTimeout: 'ExecutionTimeout'
  }),
  Environment: structure({ Variables: 'EnvironmentVariables' }),
  EphemeralStorage: structure({ Size: 'EphemeralStorageSize!' }),
  EventSourceMappingLoggingConfig: structure({ SystemLogLevel: 'EventSourceMappingSystemLogLevel' }),
  EventSourceMappingMetricsConfig: structure({ Metrics: 'EventSourceMappingMetricList' }),
  FileSystemConfig: structure({ Arn: 'FileSystemArn!', LocalMountPath: 'LocalMountPath!', S3FilesConfig: 'S3FilesConfig' }),
  Filter: structure({ Pattern: 'Pattern' }),
  FilterCriteria: structure({ Filters: 'FilterList' }),
  FunctionCode: structure({
    ZipFile: 'Blob',
    S3Bucket: 'S3Bucket',
    S3Key: 'S3Key',
    S3ObjectVersion: 'S3ObjectVersion',
    S3ObjectStorageMode: 'S3ObjectStorageMode',
    ImageUri: 'String',
    SourceKMSKeyArn: 'KMSKeyArn'
  }),
  FunctionScalingConfig: structure({
    MinExecutionEnvironments: 'FunctionScalingConfigExecutionEnvironments',
    MaxExecutionEnvironments: 'FunctionScalingConfigExecutionEnvironments'
  }),
  ImageConfig: structure({ EntryPoint: 'StringList', Command: 'StringList', WorkingDirectory: 'WorkingDirectory' }),
  KafkaSchemaRegistryAccessConfig: structure({ Type: 'KafkaSchemaRegistryAuthType', URI: 'Arn' }),
  KafkaSchemaRegistryConfig: structure({
    SchemaRegistryURI: 'SchemaRegistryUri',
    EventRecordFormat: 'SchemaRegistryEventRecordFormat',
    AccessConfigs: 'KafkaSchemaRegistryAccessConfigList',
    SchemaValidationConfigs: 'KafkaSchemaValidationConfigList'
  }),
  KafkaSchemaValidationConfig: structure({ Attribute: 'KafkaSchemaValidationAttribute' }),
  LambdaManagedInstancesCapacityProviderConfig: structure({
    CapacityProviderArn: 'CapacityProviderArn!',
    PerExecutionEnvironmentMaxConcurrency: 'PerExecutionEnvironmentMaxConcurrency',
    ExecutionEnvironmentMemoryGiBPerVCpu: 'ExecutionEnvironmentMemoryGiBPerVCpu'
  }),
  LayerVersionContentInput: structure({
    S3Bucket: 'S3Bucket',
    S3Key: 'S3Key',
    S3ObjectVersion: 'S3ObjectVersion',
    S3ObjectStorageMode: 'S3ObjectStorageMode',
    ZipFile: 'Blob'
  }),
  LoggingConfig: structure({
    LogFormat: 'LogFormat',
    ApplicationLogLevel: 'ApplicationLogLevel',
    SystemLogLevel: 'SystemLogLevel',
    LogGroup: 'LogGroup'
  }),
  OnFailure: structure({ Destination: 'DestinationArn' }),
  OnSuccess: structure({ Destination: 'DestinationArn' }),
  ProvisionedPollerConfig: structure({
    MinimumPollers: 'MinimumNumberOfPollers',
    MaximumPollers: 'MaximumNumberOfPollers',
    PollerGroupName: 'ProvisionedPollerGroupName'
  }),
  S3FilesConfig: structure({ DirectS3Read: 'DirectS3Read' }),
  ScalingConfig: structure({ MaximumConcurrency: 'MaximumConcurrency' }),
  SelfManagedEventSource: structure({ Endpoints: 'Endpoints' }),
  SelfManagedKafkaEventSourceConfig: structure({ ConsumerGroupId: 'URI', SchemaRegistryConfig: 'KafkaSchemaRegistryConfig' }),
  SnapStart: structure({ ApplyOn: 'SnapStartApplyOn' }),
  SourceAccessConfiguration: structure({ Type: 'SourceAccessType', URI: 'URI' }),
  TenancyConfig: structure({ TenantIsolationMode: 'TenantIsolationMode!' }),
  TracingConfig: structure({ Mode: 'TracingMode' }),
  VpcConfig: structure({
    SubnetIds: 'SubnetIds',
    SecurityGroupIds: 'SecurityGroupIds',
    Ipv6AllowedForDualStack: 'NullableBoolean'
  })
}
