BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('v3.2.0.a');
CREATE TABLE studies (
	study_id INTEGER NOT NULL, 
	study_name VARCHAR(512) NOT NULL, 
	PRIMARY KEY (study_id)
);
INSERT INTO "studies" VALUES(1,'rich');
CREATE TABLE study_directions (
	study_direction_id INTEGER NOT NULL, 
	direction VARCHAR(8) NOT NULL, 
	study_id INTEGER NOT NULL, 
	objective INTEGER NOT NULL, 
	PRIMARY KEY (study_direction_id), 
	UNIQUE (study_id, objective), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "study_directions" VALUES(1,'MINIMIZE',1,0);
CREATE TABLE study_system_attributes (
	study_system_attribute_id INTEGER NOT NULL, 
	study_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (study_system_attribute_id), 
	UNIQUE (study_id, "key"), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "study_system_attributes" VALUES(1,1,'qmc:7cd731dd143bce8e3d253713ce47f637f1d31d90781c48a2b10864553a1f0885','2');
INSERT INTO "study_system_attributes" VALUES(2,1,'study:metric_names','["loss"]');
CREATE TABLE study_user_attributes (
	study_user_attribute_id INTEGER NOT NULL, 
	study_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (study_user_attribute_id), 
	UNIQUE (study_id, "key"), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "study_user_attributes" VALUES(1,1,'odd','[NaN, Infinity, 1180591620717411303424, "\ud83c\udf89 \u00fc", {"a": null}]');
CREATE TABLE trial_heartbeats (
	trial_heartbeat_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	heartbeat DATETIME NOT NULL, 
	PRIMARY KEY (trial_heartbeat_id), 
	UNIQUE (trial_id), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
CREATE TABLE trial_intermediate_values (
	trial_intermediate_value_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	step INTEGER NOT NULL, 
	intermediate_value FLOAT, 
	intermediate_value_type VARCHAR(7) NOT NULL, 
	PRIMARY KEY (trial_intermediate_value_id), 
	UNIQUE (trial_id, step), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_intermediate_values" VALUES(1,1,0,NULL,'NAN');
INSERT INTO "trial_intermediate_values" VALUES(2,1,3,NULL,'INF_NEG');
INSERT INTO "trial_intermediate_values" VALUES(3,2,0,NULL,'NAN');
INSERT INTO "trial_intermediate_values" VALUES(4,2,3,NULL,'INF_NEG');
INSERT INTO "trial_intermediate_values" VALUES(5,3,0,NULL,'NAN');
INSERT INTO "trial_intermediate_values" VALUES(6,3,3,NULL,'INF_NEG');
INSERT INTO "trial_intermediate_values" VALUES(7,4,0,NULL,'NAN');
INSERT INTO "trial_intermediate_values" VALUES(8,4,3,NULL,'INF_NEG');
INSERT INTO "trial_intermediate_values" VALUES(9,5,0,NULL,'NAN');
INSERT INTO "trial_intermediate_values" VALUES(10,5,3,NULL,'INF_NEG');
INSERT INTO "trial_intermediate_values" VALUES(11,6,0,NULL,'NAN');
INSERT INTO "trial_intermediate_values" VALUES(12,6,3,NULL,'INF_NEG');
INSERT INTO "trial_intermediate_values" VALUES(13,7,0,NULL,'NAN');
INSERT INTO "trial_intermediate_values" VALUES(14,7,3,NULL,'INF_NEG');
INSERT INTO "trial_intermediate_values" VALUES(15,8,0,NULL,'NAN');
INSERT INTO "trial_intermediate_values" VALUES(16,8,3,NULL,'INF_NEG');
INSERT INTO "trial_intermediate_values" VALUES(17,9,0,NULL,'NAN');
INSERT INTO "trial_intermediate_values" VALUES(18,9,3,NULL,'INF_NEG');
CREATE TABLE trial_params (
	param_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	param_name VARCHAR(512), 
	param_value FLOAT, 
	distribution_json TEXT, 
	PRIMARY KEY (param_id), 
	UNIQUE (trial_id, param_name), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_params" VALUES(1,1,'x',-8.29779952974259771281e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -5.0, "high": 5.0, "log": false}}');
INSERT INTO "trial_params" VALUES(2,1,'lr',7.60848123371479258258e-03,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.1, "log": true}}');
INSERT INTO "trial_params" VALUES(3,1,'step',0.0,'{"name": "FloatDistribution", "attributes": {"step": 0.1, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(4,1,'n',2.0,'{"name": "IntDistribution", "attributes": {"log": true, "step": 1, "low": 1, "high": 64}}');
INSERT INTO "trial_params" VALUES(5,1,'k',0.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 3, "low": 0, "high": 9}}');
INSERT INTO "trial_params" VALUES(6,1,'c',4.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["a", null, 3, 2.5, true]}}');
INSERT INTO "trial_params" VALUES(7,2,'x',-8.08054855967052176879e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -5.0, "high": 5.0, "log": false}}');
INSERT INTO "trial_params" VALUES(8,2,'lr',5.5065298979459905912e-03,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.1, "log": true}}');
INSERT INTO "trial_params" VALUES(9,2,'step',0.2,'{"name": "FloatDistribution", "attributes": {"step": 0.1, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(10,2,'n',36.0,'{"name": "IntDistribution", "attributes": {"log": true, "step": 1, "low": 1, "high": 64}}');
INSERT INTO "trial_params" VALUES(11,2,'k',0.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 3, "low": 0, "high": 9}}');
INSERT INTO "trial_params" VALUES(12,2,'c',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["a", null, 3, 2.5, true]}}');
INSERT INTO "trial_params" VALUES(13,3,'x',-2.46357266722102385969e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -5.0, "high": 5.0, "log": false}}');
INSERT INTO "trial_params" VALUES(14,3,'lr',1.2215504115966330581e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.1, "log": true}}');
INSERT INTO "trial_params" VALUES(15,3,'step',0.5,'{"name": "FloatDistribution", "attributes": {"step": 0.1, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(16,3,'n',1.0,'{"name": "IntDistribution", "attributes": {"log": true, "step": 1, "low": 1, "high": 64}}');
INSERT INTO "trial_params" VALUES(17,3,'k',6.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 3, "low": 0, "high": 9}}');
INSERT INTO "trial_params" VALUES(18,3,'c',4.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["a", null, 3, 2.5, true]}}');
INSERT INTO "trial_params" VALUES(19,4,'x',-8.29779952974259771281e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -5.0, "high": 5.0, "log": false}}');
INSERT INTO "trial_params" VALUES(20,4,'lr',7.60848123371479258258e-03,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.1, "log": true}}');
INSERT INTO "trial_params" VALUES(21,4,'step',0.0,'{"name": "FloatDistribution", "attributes": {"step": 0.1, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(22,4,'n',2.0,'{"name": "IntDistribution", "attributes": {"log": true, "step": 1, "low": 1, "high": 64}}');
INSERT INTO "trial_params" VALUES(23,4,'k',0.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 3, "low": 0, "high": 9}}');
INSERT INTO "trial_params" VALUES(24,4,'c',4.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["a", null, 3, 2.5, true]}}');
INSERT INTO "trial_params" VALUES(25,5,'x',-8.08054855967052176879e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -5.0, "high": 5.0, "log": false}}');
INSERT INTO "trial_params" VALUES(26,5,'lr',5.5065298979459905912e-03,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.1, "log": true}}');
INSERT INTO "trial_params" VALUES(27,5,'step',0.2,'{"name": "FloatDistribution", "attributes": {"step": 0.1, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(28,5,'n',36.0,'{"name": "IntDistribution", "attributes": {"log": true, "step": 1, "low": 1, "high": 64}}');
INSERT INTO "trial_params" VALUES(29,5,'k',0.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 3, "low": 0, "high": 9}}');
INSERT INTO "trial_params" VALUES(30,5,'c',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["a", null, 3, 2.5, true]}}');
INSERT INTO "trial_params" VALUES(31,6,'x',3.00744568675536605439e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -5.0, "high": 5.0, "log": false}}');
INSERT INTO "trial_params" VALUES(32,6,'lr',0.0746528346269155,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.1, "log": true}}');
INSERT INTO "trial_params" VALUES(33,6,'step',3.00000000000000044408e-01,'{"name": "FloatDistribution", "attributes": {"step": 0.1, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(34,6,'n',14.0,'{"name": "IntDistribution", "attributes": {"log": true, "step": 1, "low": 1, "high": 64}}');
INSERT INTO "trial_params" VALUES(35,6,'k',9.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 3, "low": 0, "high": 9}}');
INSERT INTO "trial_params" VALUES(36,6,'c',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["a", null, 3, 2.5, true]}}');
INSERT INTO "trial_params" VALUES(37,7,'x',-5.0,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -5.0, "high": 5.0, "log": false}}');
INSERT INTO "trial_params" VALUES(38,7,'lr',1.0e-05,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.1, "log": true}}');
INSERT INTO "trial_params" VALUES(39,7,'step',0.0,'{"name": "FloatDistribution", "attributes": {"step": 0.1, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(40,7,'n',1.0,'{"name": "IntDistribution", "attributes": {"log": true, "step": 1, "low": 1, "high": 64}}');
INSERT INTO "trial_params" VALUES(41,7,'k',0.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 3, "low": 0, "high": 9}}');
INSERT INTO "trial_params" VALUES(42,7,'c',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["a", null, 3, 2.5, true]}}');
INSERT INTO "trial_params" VALUES(43,8,'x',0.0,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -5.0, "high": 5.0, "log": false}}');
INSERT INTO "trial_params" VALUES(44,8,'lr',1.00000000000000023765e-03,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.1, "log": true}}');
INSERT INTO "trial_params" VALUES(45,8,'step',0.5,'{"name": "FloatDistribution", "attributes": {"step": 0.1, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(46,8,'n',6.0,'{"name": "IntDistribution", "attributes": {"log": true, "step": 1, "low": 1, "high": 64}}');
INSERT INTO "trial_params" VALUES(47,8,'k',6.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 3, "low": 0, "high": 9}}');
INSERT INTO "trial_params" VALUES(48,8,'c',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["a", null, 3, 2.5, true]}}');
INSERT INTO "trial_params" VALUES(49,9,'x',2.5,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -5.0, "high": 5.0, "log": false}}');
INSERT INTO "trial_params" VALUES(50,9,'lr',9.99999999999999099244e-05,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.1, "log": true}}');
INSERT INTO "trial_params" VALUES(51,9,'step',0.2,'{"name": "FloatDistribution", "attributes": {"step": 0.1, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(52,9,'n',2.0,'{"name": "IntDistribution", "attributes": {"log": true, "step": 1, "low": 1, "high": 64}}');
INSERT INTO "trial_params" VALUES(53,9,'k',9.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 3, "low": 0, "high": 9}}');
INSERT INTO "trial_params" VALUES(54,9,'c',3.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["a", null, 3, 2.5, true]}}');
CREATE TABLE trial_system_attributes (
	trial_system_attribute_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (trial_system_attribute_id), 
	UNIQUE (trial_id, "key"), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_system_attributes" VALUES(1,3,'tpe:relative_params:0','"{\"c\": true, \"k\": 6, \"lr\": 0.01221550411596633, \"n\": 1, \"step\": 0.5, \"x\": -2.463572667221024}"');
INSERT INTO "trial_system_attributes" VALUES(2,4,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(3,5,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(4,6,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(5,10,'fixed_params','{"x": 1.5, "n": 3}');
CREATE TABLE trial_user_attributes (
	trial_user_attribute_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (trial_user_attribute_id), 
	UNIQUE (trial_id, "key"), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_user_attributes" VALUES(1,1,'note','{"nan": NaN, "text": "h\u00e9"}');
INSERT INTO "trial_user_attributes" VALUES(2,2,'note','{"nan": NaN, "text": "h\u00e9"}');
INSERT INTO "trial_user_attributes" VALUES(3,3,'note','{"nan": NaN, "text": "h\u00e9"}');
INSERT INTO "trial_user_attributes" VALUES(4,4,'note','{"nan": NaN, "text": "h\u00e9"}');
INSERT INTO "trial_user_attributes" VALUES(5,5,'note','{"nan": NaN, "text": "h\u00e9"}');
INSERT INTO "trial_user_attributes" VALUES(6,6,'note','{"nan": NaN, "text": "h\u00e9"}');
INSERT INTO "trial_user_attributes" VALUES(7,7,'note','{"nan": NaN, "text": "h\u00e9"}');
INSERT INTO "trial_user_attributes" VALUES(8,8,'note','{"nan": NaN, "text": "h\u00e9"}');
INSERT INTO "trial_user_attributes" VALUES(9,9,'note','{"nan": NaN, "text": "h\u00e9"}');
INSERT INTO "trial_user_attributes" VALUES(10,10,'from','"python"');
CREATE TABLE trial_values (
	trial_value_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	objective INTEGER NOT NULL, 
	value FLOAT, 
	value_type VARCHAR(7) NOT NULL, 
	PRIMARY KEY (trial_value_id), 
	UNIQUE (trial_id, objective), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_values" VALUES(1,1,0,2.6885347703579647316e+00,'FINITE');
INSERT INTO "trial_values" VALUES(2,2,0,3.66529526502519331643e+01,'FINITE');
INSERT INTO "trial_values" VALUES(3,3,0,7.06919028667850923852e+00,'FINITE');
INSERT INTO "trial_values" VALUES(4,5,0,3.66529526502519331643e+01,'FINITE');
INSERT INTO "trial_values" VALUES(5,6,0,NULL,'INF_NEG');
INSERT INTO "trial_values" VALUES(6,7,0,NULL,'INF_POS');
INSERT INTO "trial_values" VALUES(7,8,0,6.0,'FINITE');
INSERT INTO "trial_values" VALUES(8,9,0,8.25,'FINITE');
CREATE TABLE trials (
	trial_id INTEGER NOT NULL, 
	number INTEGER, 
	study_id INTEGER, 
	state VARCHAR(8) NOT NULL, 
	datetime_start DATETIME, 
	datetime_complete DATETIME, 
	PRIMARY KEY (trial_id), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "trials" VALUES(1,0,1,'COMPLETE','2026-11-26 03:43:41.195145','2026-11-26 03:43:42.019472');
INSERT INTO "trials" VALUES(2,1,1,'COMPLETE','2026-11-26 03:43:42.118991','2026-11-26 03:43:42.771099');
INSERT INTO "trials" VALUES(3,2,1,'COMPLETE','2026-11-26 03:43:43.308194','2026-11-26 03:43:44.061471');
INSERT INTO "trials" VALUES(4,3,1,'FAIL','2026-11-26 03:43:44.442832','2026-11-26 03:43:45.259783');
INSERT INTO "trials" VALUES(5,4,1,'COMPLETE','2026-11-26 03:43:45.365776','2026-11-26 03:43:46.121195');
INSERT INTO "trials" VALUES(6,5,1,'PRUNED','2026-11-26 03:43:46.207626','2026-11-26 03:43:47.055858');
INSERT INTO "trials" VALUES(7,6,1,'COMPLETE','2026-11-26 03:43:47.655251','2026-11-26 03:43:54.143998');
INSERT INTO "trials" VALUES(8,7,1,'COMPLETE','2026-11-26 03:43:54.219848','2026-11-26 03:43:54.780073');
INSERT INTO "trials" VALUES(9,8,1,'COMPLETE','2026-11-26 03:43:54.854386','2026-11-26 03:43:55.434447');
INSERT INTO "trials" VALUES(10,9,1,'WAITING',NULL,NULL);
CREATE TABLE version_info (
	version_info_id INTEGER NOT NULL, 
	schema_version INTEGER, 
	library_version VARCHAR(256), 
	PRIMARY KEY (version_info_id), 
	CHECK (version_info_id=1)
);
INSERT INTO "version_info" VALUES(1,12,'5.0.0');
CREATE UNIQUE INDEX ix_studies_study_name ON studies (study_name);
CREATE INDEX ix_trials_study_id ON trials (study_id);
COMMIT;
