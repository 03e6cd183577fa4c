// npm run docs:generate writes this file from the settings with `paid`.
export const PAID_VARIABLES = [
  'REPLICATE_API_TOKEN',
  'COG_ENDPOINTS',
  'FAL_KEY',
  'OPENAI_API_KEY',
  'OPENAI_BASE_URL',
  'SPEECH_API_KEY',
  'SPEECH_BASE_URL',
];
