/** What the two databases write differently. */
interface Dialect {
  /** A primary key that counts by itself. */
  key: string
  date: string
  float: string
  /** One of some names. */
  names(type: string, longest: number): string
}
const SQLITE: Dialect = {
  key: 'INTEGER NOT NULL',
  date: 'DATETIME',
  float: 'FLOAT',
  names: (_, longest) => `VARCHAR(${longest})`,
}
const POSTGRES: Dialect = {
  key: 'SERIAL NOT NULL',
  date: 'TIMESTAMP WITHOUT TIME ZONE',
  float: 'FLOAT(53)',
  names: type => type,
}

/** PostgreSQL's enumerations. */
const ENUMS: Readonly<Record<string, readonly string[]>> = {
  studydirection: ['NOT_SET', 'MINIMIZE', 'MAXIMIZE'],
  trialstate: ['RUNNING', 'COMPLETE', 'PRUNED', 'FAIL', 'WAITING'],
  trialvaluetype: ['FINITE', 'INF_POS', 'INF_NEG'],
  trialintermediatevaluetype: ['FINITE', 'INF_POS', 'INF_NEG', 'NAN'],
}

/** Table by table, referred ones first: columns and constraints. */
function tables({ key, date, float, names }: Dialect): Readonly<Record<string, readonly string[]>> {
  const study = 'FOREIGN KEY(study_id) REFERENCES studies (study_id)'
  const trial = 'FOREIGN KEY(trial_id) REFERENCES trials (trial_id)'
  const attribute = (id: string, of: string, refers: string) => [
    `${id} ${key}`,
    `${of} INTEGER`,
    '"key" VARCHAR(512)',
    'value_json TEXT',
    `PRIMARY KEY (${id})`,
    `UNIQUE (${of}, "key")`,
    refers,
  ]
  return {
    studies: [`study_id ${key}`, 'study_name VARCHAR(512) NOT NULL', 'PRIMARY KEY (study_id)'],
    version_info: [
      `version_info_id ${key}`,
      'schema_version INTEGER',
      'library_version VARCHAR(256)',
      'PRIMARY KEY (version_info_id)',
      'CHECK (version_info_id = 1)',
    ],
    study_directions: [
      `study_direction_id ${key}`,
      `direction ${names('studydirection', 8)} NOT NULL`,
      'study_id INTEGER NOT NULL',
      'objective INTEGER NOT NULL',
      'PRIMARY KEY (study_direction_id)',
      'UNIQUE (study_id, objective)',
      study,
    ],
    study_user_attributes: attribute('study_user_attribute_id', 'study_id', study),
    study_system_attributes: attribute('study_system_attribute_id', 'study_id', study),
    trials: [
      `trial_id ${key}`,
      'number INTEGER',
      'study_id INTEGER',
      `state ${names('trialstate', 8)} NOT NULL`,
      `datetime_start ${date}`,
      `datetime_complete ${date}`,
      'PRIMARY KEY (trial_id)',
      study,
    ],
    trial_user_attributes: attribute('trial_user_attribute_id', 'trial_id', trial),
    trial_system_attributes: attribute('trial_system_attribute_id', 'trial_id', trial),
    trial_params: [
      `param_id ${key}`,
      'trial_id INTEGER',
      'param_name VARCHAR(512)',
      `param_value ${float}`,
      'distribution_json TEXT',
      'PRIMARY KEY (param_id)',
      'UNIQUE (trial_id, param_name)',
      trial,
    ],
    trial_values: [
      `trial_value_id ${key}`,
      'trial_id INTEGER NOT NULL',
      'objective INTEGER NOT NULL',
      `value ${float}`,
      `value_type ${names('trialvaluetype', 7)} NOT NULL`,
      'PRIMARY KEY (trial_value_id)',
      'UNIQUE (trial_id, objective)',
      trial,
    ],
    trial_intermediate_values: [
      `trial_intermediate_value_id ${key}`,
      'trial_id INTEGER NOT NULL',
      'step INTEGER NOT NULL',
      `intermediate_value ${float}`,
      `intermediate_value_type ${names('trialintermediatevaluetype', 7)} NOT NULL`,
      'PRIMARY KEY (trial_intermediate_value_id)',
      'UNIQUE (trial_id, step)',
      trial,
    ],
    trial_heartbeats: [
      `trial_heartbeat_id ${key}`,
      'trial_id INTEGER NOT NULL',
      `heartbeat ${date} NOT NULL`,
      'PRIMARY KEY (trial_heartbeat_id)',
      'UNIQUE (trial_id)',
      trial,
    ],
    alembic_version: ['version_num VARCHAR(32) NOT NULL', 'CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)'],
  }
}

export const TABLE_NAMES: readonly string[] = Object.keys(tables(SQLITE))

/** The statements that make the whole schema, those tables left alone that are there. */
export function schemaStatements(kind: 'sqlite' | 'postgresql'): readonly string[] {
  const enums = Object.entries(ENUMS).map(([name, names]) => {
    const list = names.map(value => `'${value}'`).join(', ')
    return `DO $$ BEGIN CREATE TYPE ${name} AS ENUM (${list}); EXCEPTION WHEN duplicate_object THEN NULL; END $$`
  })
  return [
    ...(kind === 'postgresql' ? enums : []),
    ...Object.entries(tables(kind === 'sqlite' ? SQLITE : POSTGRES)).map(
      ([name, parts]) => `CREATE TABLE IF NOT EXISTS ${name} (\n\t${parts.join(', \n\t')}\n)`,
    ),
    'CREATE UNIQUE INDEX IF NOT EXISTS ix_studies_study_name ON studies (study_name)',
    'CREATE INDEX IF NOT EXISTS ix_trials_study_id ON trials (study_id)',
  ]
}
