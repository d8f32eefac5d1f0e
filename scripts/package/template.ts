// What is read of a CloudFormation template.
export type Template = {
  readonly Resources: {
    readonly [id: string]: {
      readonly Type: string;
      readonly Properties?: unknown;
      readonly DependsOn?: string | readonly string[];
    };
  };
  readonly Outputs?: unknown;
};
