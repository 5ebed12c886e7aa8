-- Serves the alerts page: what each rule of a project did on each of the last days, and when it last fired.
CREATE INDEX alerts_project_id_rule_id_decided_at_idx ON alerts (project_id, rule_id, decided_at);
