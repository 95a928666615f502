import { DynamoDBClient, GetItemCommand } from "@aws-sdk/client-dynamodb";

const client = new DynamoDBClient({});

export const handler = async () => {
  const command = new GetItemCommand({ TableName: "users", Key: { id: { S: "1" } } });
  const { Item, $metadata } = await client.send(command);
  return { item: Item, status: $metadata.httpStatusCode, region: await client.config.region() };
};
