-- Serves the list of what somebody has taken care of; most projects have much that is open, or much that is handled.
CREATE INDEX feedback_handled_idx ON feedback (project_id, received_at DESC, feedback_id DESC) WHERE handled_at IS NOT NULL;
