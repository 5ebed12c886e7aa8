-- Distributes an installation of Bugle by project, with Citus 12 or later. See docs/scaling.md.
--
-- UNTESTED: written against the documentation of Citus, never run on a cluster. Try it on a copy.
--
-- Before: every Bugle is stopped; the extension is installed on all machines and in shared_preload_libraries; the workers were added with
-- citus_add_node; max_prepared_transactions is not 0 on them; the schema is up to date (`bugle migrate`).
-- Run it on the coordinator:  psql -1 -v ON_ERROR_STOP=1 -f scripts/citus.sql "$DATABASE_URL"
-- Rows that are there already are moved; the tables are locked until the end. Later migrations run on the coordinator as usual, but a
-- table they add has to be given its place here.

CREATE EXTENSION IF NOT EXISTS citus;

-- Shards of one project lie on one worker (colocated), so joins and foreign keys on (project_id, …) stay there.
SET citus.multi_shard_modify_mode TO 'sequential';

-- Small, read with everything, unique over all projects: a copy on every worker. First, because the others refer to them.
SELECT create_reference_table('users');
SELECT create_reference_table('projects');
SELECT create_reference_table('project_keys');
SELECT create_reference_table('project_members');

-- Only the coordinator needs these. Their foreign keys to users stay.
SELECT citus_add_local_table_to_metadata('sessions');
SELECT citus_add_local_table_to_metadata('one_time_links');
SELECT citus_add_local_table_to_metadata('api_tokens');
SELECT citus_add_local_table_to_metadata('login_failures');
SELECT citus_add_local_table_to_metadata('mails');
-- Its key begins with the project, but its ids are of type integer, which Citus does not count up in distributed tables.
SELECT citus_add_local_table_to_metadata('dictionaries');
SELECT citus_add_local_table_to_metadata('spool_positions');
SELECT citus_add_local_table_to_metadata('spike_sweep');
SELECT citus_add_local_table_to_metadata('thinned_days');

-- Issues, and what refers to them by (project_id, issue_id).
SELECT create_distributed_table('issues', 'project_id');
SELECT create_distributed_table('issue_hashes', 'project_id', colocate_with => 'issues');
SELECT create_distributed_table('merged_issues', 'project_id', colocate_with => 'issues');
SELECT create_distributed_table('message_slots', 'project_id', colocate_with => 'issues');
SELECT create_distributed_table('issue_outlines', 'project_id', colocate_with => 'issues');
SELECT create_distributed_table('new_issue_rates', 'project_id', colocate_with => 'issues');
SELECT create_distributed_table('activities', 'project_id', colocate_with => 'issues');
SELECT create_distributed_table('issue_mutes', 'project_id', colocate_with => 'issues');
SELECT create_distributed_table('alert_states', 'project_id', colocate_with => 'issues');

-- Events. The days are partitions of every shard; `jobs::partitions` makes and drops them through the parent.
SELECT create_distributed_table('events', 'project_id', colocate_with => 'issues');
SELECT create_distributed_table('event_ids', 'project_id', colocate_with => 'issues');
SELECT create_distributed_table('absent_events', 'project_id', colocate_with => 'issues');
SELECT create_distributed_table('feedback', 'project_id', colocate_with => 'issues');
SELECT create_distributed_table('attachments', 'project_id', colocate_with => 'issues');
SELECT create_distributed_table('attachment_chunks', 'project_id', colocate_with => 'issues');
SELECT create_distributed_table('dead_letters', 'project_id', colocate_with => 'issues');

-- Counters.
SELECT create_distributed_table('issue_minutes', 'project_id', colocate_with => 'issues');
SELECT create_distributed_table('issue_quarter_people', 'project_id', colocate_with => 'issues');
SELECT create_distributed_table('issue_hours', 'project_id', colocate_with => 'issues');
SELECT create_distributed_table('issue_environments', 'project_id', colocate_with => 'issues');
SELECT create_distributed_table('issue_releases', 'project_id', colocate_with => 'issues');
SELECT create_distributed_table('issue_tags', 'project_id', colocate_with => 'issues');
SELECT create_distributed_table('issue_people', 'project_id', colocate_with => 'issues');
SELECT create_distributed_table('issue_samples', 'project_id', colocate_with => 'issues');
SELECT create_distributed_table('environments', 'project_id', colocate_with => 'issues');
SELECT create_distributed_table('releases', 'project_id', colocate_with => 'issues');
SELECT create_distributed_table('project_hours', 'project_id', colocate_with => 'issues');
SELECT create_distributed_table('project_outcomes', 'project_id', colocate_with => 'issues');
SELECT create_distributed_table('app_sessions', 'project_id', colocate_with => 'issues');
SELECT create_distributed_table('app_session_hours', 'project_id', colocate_with => 'issues');
SELECT create_distributed_table('monitors', 'project_id', colocate_with => 'issues');
SELECT create_distributed_table('check_ins', 'project_id', colocate_with => 'issues');
SELECT create_distributed_table('refusals', 'project_id', colocate_with => 'issues');
SELECT create_distributed_table('scrubbing', 'project_id', colocate_with => 'issues');
SELECT create_distributed_table('filters', 'project_id', colocate_with => 'issues');
SELECT create_distributed_table('grouping_rules', 'project_id', colocate_with => 'issues');
SELECT create_distributed_table('removals', 'project_id', colocate_with => 'issues');
SELECT create_distributed_table('discards', 'project_id', colocate_with => 'issues');
SELECT create_distributed_table('discarded_hashes', 'project_id', colocate_with => 'issues');

-- Alerts.
SELECT create_distributed_table('alert_rules', 'project_id', colocate_with => 'issues');
SELECT create_distributed_table('alerts', 'project_id', colocate_with => 'issues');
SELECT create_distributed_table('alert_pacing', 'project_id', colocate_with => 'issues');
